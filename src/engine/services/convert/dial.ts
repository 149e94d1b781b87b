import type { DialFailure } from "../../../domain/dial.js";
import type { DialError } from "../../../domain/dial.js";
import { TenkiError } from "../../../domain/error.js";
import { DialPortReason, type DialPortRequest } from "../../../gen/tenki/engine/v1/dial_pb.js";
import { DialClosed_Reason, type DialRequest } from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { DialDown, DialUp } from "../../core/connections/carry-stream.js";

type WireUp = DialRequest["payload"] | DialPortRequest["payload"];

export function fromDialFrame(payload: WireUp): DialUp {
  switch (payload.case) {
    case "data":
      return { kind: "data", data: payload.value };
    case "halfClose":
      return { kind: "half_close" };
    default:
      throw new TenkiError("invalid_argument", "after `open`, a frame is data or a half-close");
  }
}

const reasons: Readonly<Record<DialFailure, DialClosed_Reason>> = {
  refused: DialClosed_Reason.REFUSED,
  timeout: DialClosed_Reason.TIMEOUT,
  path_denied: DialClosed_Reason.PATH_DENIED,
  reset: DialClosed_Reason.PEER_RESET,
};

export function toDialClosed(error?: DialError) {
  const value =
    error === undefined
      ? { reason: DialClosed_Reason.CLEAN }
      : { reason: reasons[error.failure], detail: error.message, errno: error.errno };
  return { frame: { payload: { case: "closed" as const, value } } };
}

export const toDialOpened = (sandboxAddress: string) => ({
  frame: { payload: { case: "opened" as const, value: { sandboxAddress } } },
});

export const toDialData = (value: Uint8Array) => ({ frame: { payload: { case: "data" as const, value } } });

/** Nothing listens at a path that is no path: a port has no such end. */
const portReasons: Readonly<Record<DialFailure, DialPortReason>> = {
  refused: DialPortReason.REFUSED,
  timeout: DialPortReason.TIMEOUT,
  path_denied: DialPortReason.REFUSED,
  reset: DialPortReason.RESET,
};

export function toDialPortFrame(event: DialDown) {
  if (event.kind === "data") return { payload: { case: "data" as const, value: event.data } };
  if (event.kind === "half_close") return { payload: { case: "halfClose" as const, value: true } };
  return toDialPortClosed(event.error);
}

export function toDialPortClosed(error?: DialError) {
  const value =
    error === undefined
      ? { reason: DialPortReason.CLEAN }
      : { reason: portReasons[error.failure], detail: error.message, errno: error.errno };
  return { payload: { case: "closed" as const, value } };
}
