import { TenkiError } from "./error.js";

export const noSuchSignal = (name: string): TenkiError =>
  new TenkiError("invalid_argument", `no such signal: ${JSON.stringify(name)}`, {
    hint: "name one as kill -l does, without SIG: TERM, INT, WINCH",
  });
