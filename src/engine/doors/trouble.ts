import { TenkiError } from "../../domain/error.js";
import type { Trouble } from "./pages.js";

/** What a connection that could not be made, or an answer that did not come, means to a visitor. */
export function troubleOf(error: unknown): Trouble {
  if ((error as Error).name === "TimeoutError") return "silent";
  const { failure } = error as { failure?: string };
  if (failure === "refused") return "refused";
  if (failure === "timeout") return "silent";
  return error instanceof TenkiError && error.kind === "failed_precondition" ? "starting" : "broken";
}
