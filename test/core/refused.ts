import { type ErrorKind, TenkiError } from "../../src/domain/error.js";

/** For `assert.throws` and `assert.rejects`: an error of this kind, saying this. */
export const refused = (kind: ErrorKind, text: string) => (error: unknown) => {
  if (error instanceof TenkiError && error.kind === kind && error.message.includes(text)) return true;
  throw new Error(`not the error that was expected (${kind}: …${text}…)`, { cause: error });
};
