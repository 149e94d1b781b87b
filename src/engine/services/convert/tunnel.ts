import { TenkiError } from "../../../domain/error.js";
import {
  type HostPortTunnelRequest,
  HostPortTunnelTerminated_Reason as Reason,
} from "../../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { TunnelSilentError } from "../../core/connections/host-port-tunnel.js";
import type { TunnelDown, TunnelUp } from "../../core/connections/tunnel-frames.js";

export function fromTunnelFrame(payload: HostPortTunnelRequest["payload"]): TunnelUp {
  switch (payload.case) {
    case "data":
      return { kind: "data", id: Number(payload.value.subStreamId), data: payload.value.payload };
    case "halfClose":
      return { kind: "half_close", id: Number(payload.value.subStreamId) };
    case "close":
      return { kind: "close", id: Number(payload.value.subStreamId), reason: payload.value.reason };
    case "pong":
      return { kind: "pong" };
    default:
      throw new TenkiError("invalid_argument", "after `open`, a frame is data, an end or a pong");
  }
}

export function toTunnelFrame(event: TunnelDown) {
  const id = BigInt(event.id);
  switch (event.kind) {
    case "accept": {
      const { sourceAddress } = event;
      return frame({ case: "accept" as const, value: { subStreamId: id, sourceAddress } });
    }
    case "data":
      return frame({ case: "data" as const, value: { subStreamId: id, payload: event.data } });
    case "half_close":
      return frame({ case: "halfClose" as const, value: { subStreamId: id, clientToServer: true } });
    case "close":
      return frame({ case: "close" as const, value: { subStreamId: id, reason: event.reason } });
    default:
      return frame({ case: "ping" as const, value: { pingId: id } });
  }
}

export const toTunnelOpened = (sandboxPort: number, sandboxAddress: string) =>
  frame({ case: "opened" as const, value: { sandboxPort, sandboxAddress } });

export const toTerminated = (reason: Reason, detail: string, errno = 0) =>
  frame({ case: "terminated" as const, value: { reason, detail, errno } });

/** Why a tunnel that was open is not any more. */
export function toLost(error: unknown) {
  const detail = error instanceof Error ? error.message : String(error);
  const reason = error instanceof TunnelSilentError ? Reason.KEEPALIVE_TIMEOUT : Reason.SESSION_LOST;
  return toTerminated(reason, detail);
}

const frame = <P>(payload: P) => ({ frame: { payload } });
