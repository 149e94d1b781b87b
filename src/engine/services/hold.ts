import type { HandlerContext } from "@connectrpc/connect";
import { answerAheadMs } from "../core/workspace/limits.js";

/** For callers that name no deadline. */
const longestHoldMs = 5 * 60_000;

/** How long an answer may be held back: it has to be there ahead of its caller's own deadline. */
export function holdMs(context: HandlerContext): number {
  const leftMs = context.timeoutMs();
  if (leftMs === undefined) return longestHoldMs;
  return Math.max(leftMs - answerAheadMs, leftMs / 2);
}
