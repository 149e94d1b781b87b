import { TenkiError } from "../domain/error.js";

/** What every error of this library extends. */
export class SandboxError extends TenkiError {}
