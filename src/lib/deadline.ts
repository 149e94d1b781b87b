import { startTimer } from "./long-timer.js";

/** A signal that aborts after `ms`, or when `parent` does; `clear` lets go of both. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** True once the time is what ended it, not the parent. */
  expired(): boolean;
  clear(): void;
}

export function startDeadline(ms: number, parent?: AbortSignal): Deadline {
  const controller = new AbortController();
  let expired = false;
  const callOff = startTimer(ms, () => {
    expired = true;
    controller.abort(new Error(`no answer within ${ms} ms`));
  });
  const onParent = () => controller.abort(parent?.reason);
  parent?.addEventListener("abort", onParent, { once: true });
  if (parent?.aborted) onParent();
  return {
    signal: controller.signal,
    expired: () => expired,
    clear() {
      callOff();
      parent?.removeEventListener("abort", onParent);
    },
  };
}
