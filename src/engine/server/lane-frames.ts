import { create, fromJsonString, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { laneFrames, laneRules } from "../../domain/run-lane.js";
import {
  RunRequestSchema,
  RunResponseSchema,
  type SandboxSessionDataPlaneServiceRunRequest as RunMessage,
  SandboxSessionDataPlaneServiceRunRequestSchema as RunMessageSchema,
  type SandboxSessionDataPlaneServiceRunResponse as RunAnswer,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { type Frame, readFrames } from "../../lib/frames.js";
import type { Duplex } from "node:stream";

export interface LaneCaller {
  /** It lets go of its command. */
  readonly letGo: () => void;
  /** It has said nothing of the kind, and is not there any more. */
  readonly lost: () => void;
}

/** What a caller sends, as the contract's messages. */
export async function* readLane(
  socket: Duplex,
  caller: LaneCaller,
): AsyncGenerator<RunMessage, void, undefined> {
  try {
    for await (const frame of readFrames(socket, laneRules)) {
      if (frame.kind === laneFrames.end) caller.letGo();
      else yield create(RunMessageSchema, { frame: decode(frame) });
    }
    caller.lost(); // unless it has let go: the first reason counts
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ConnectError(error.message, Code.InvalidArgument);
  }
}

function decode({ kind, payload }: Frame): MessageInitShape<typeof RunRequestSchema> {
  if (kind === laneFrames.data) return { payload: { case: "stdin", value: payload } };
  if (kind !== laneFrames.message) throw new RangeError(`an unknown kind of frame (${kind})`);
  try {
    return fromJsonString(RunRequestSchema, payload.toString(), { ignoreUnknownFields: true });
  } catch {
    throw new RangeError("a frame is no message of Run's");
  }
}

/** An answer of `Run` as a frame. */
export function encodeAnswer({ frame }: RunAnswer): Frame {
  const payload = frame?.payload;
  if (payload?.case === "stdout") return { kind: laneFrames.data, payload: asBuffer(payload.value) };
  if (payload?.case === "stderr") return { kind: laneFrames.stderr, payload: asBuffer(payload.value) };
  const message = toJsonString(RunResponseSchema, create(RunResponseSchema, frame));
  return { kind: laneFrames.message, payload: Buffer.from(message) };
}

const asBuffer = ({ buffer, byteOffset, length }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, length);
