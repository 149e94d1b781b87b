import { Code, ConnectError } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";

/** True where a call ended by its connection's being lost, or by the engine's stopping: its caller may come back. */
export function wasCutOff({ reason }: AbortSignal): boolean {
  if (reason instanceof TenkiError) return reason.kind === "unavailable";
  return reason instanceof ConnectError && reason.code === Code.Unavailable;
}

/** Aborts with the caller, and ahead of everything else when the engine stops; `clear` lets go of both. */
export function untilStopping(
  caller: AbortSignal,
  stopping: AbortSignal,
): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const sources = [caller, stopping];
  const look = () => {
    const aborted = sources.find((source) => source.aborted);
    if (aborted !== undefined) controller.abort(aborted.reason);
  };
  for (const source of sources) source.addEventListener("abort", look, { once: true });
  look();
  return {
    signal: controller.signal,
    clear() {
      for (const source of sources) source.removeEventListener("abort", look);
    },
  };
}
