import { type ErrorKind, TenkiError } from "../../src/domain/error.js";

/** For `assert.throws` and `assert.rejects`: an error of this kind, saying this, and hinting at that. */
export const refused =
  (kind: ErrorKind, text: string, hint = "") =>
  (error: unknown) => {
    const isOfKind = error instanceof TenkiError && error.kind === kind;
    if (isOfKind && error.message.includes(text) && (error.hint ?? "").includes(hint)) return true;
    throw new Error(`not the error that was expected (${kind}: …${text}…)`, { cause: error });
  };
