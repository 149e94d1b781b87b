import { TenkiError } from "../../domain/error.js";
import type { Trouble } from "./pages.js";

/** What a connection that could not be made, or an answer that did not come, means to a visitor. */
export function troubleOf(error: unknown): Trouble {
  if ((error as Error).name === "TimeoutError") return "silent";
  const { failure } = error as { failure?: string };
  if (failure === "refused") return "refused";
  if (failure === "timeout") return "silent";
  if (!(error instanceof TenkiError)) return "broken";
  if (error.kind === "resource_exhausted") return "crowded";
  return error.kind === "failed_precondition" ? "starting" : "broken";
}
