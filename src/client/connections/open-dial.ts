import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DialFailure } from "../../domain/dial.js";
import type {
  DialClosed,
  DialRequestSchema,
  DialResponse,
  SandboxSessionDataPlaneServiceDialRequestSchema,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { Uplink } from "../command-link.js";
import type { DataPlane } from "../data-plane.js";
import { CapabilityUnavailableError, DialFailedError, SandboxError } from "../errors.js";
import type { DialOptions } from "../options/connections.js";
import type { DialEvent, DialFrame, DialLink } from "./dialled-stream.js";

type DialMessageInit = MessageInitShape<typeof SandboxSessionDataPlaneServiceDialRequestSchema>;

/** Connects to a unix socket inside, by the contract's `Dial`. */
export async function openDial(
  dataPlane: DataPlane,
  unixSocketPath: string,
  { connectTimeoutMs = 0, signal }: DialOptions,
): Promise<DialLink> {
  const target = { case: "unixSocketPath" as const, value: unixSocketPath };
  const open = wrap({ case: "open", value: { sessionId: dataPlane.sessionId, connectTimeoutMs, target } });
  let uplink = new Uplink(open, encode);
  const plan = { what: `the connection to ${unixSocketPath}`, signal, idempotent: true };
  const stream = await dataPlane.open((at, call) => {
    uplink = new Uplink(open, encode);
    return at.dataPlane.dial(uplink.messages(), call);
  }, plan);
  const close = () => {
    uplink.end();
    stream.close();
  };
  const next = async (): Promise<DialEvent | undefined> => {
    const { done, value } = await stream.next();
    return done ? undefined : decode(value.frame?.payload);
  };
  const first = await stream.next();
  const payload = first.done ? undefined : first.value.frame?.payload;
  if (payload?.case !== "opened") {
    close();
    throw (payload?.case === "closed" ? toError(payload.value) : undefined) ?? notSaid(unixSocketPath);
  }
  return { next, send: (frame) => uplink.send(frame), end: () => uplink.end(), close };
}

type DialPayload = NonNullable<MessageInitShape<typeof DialRequestSchema>["payload"]>;

const wrap = (payload: DialPayload): DialMessageInit => ({ frame: { payload } });

const encode = (frame: DialFrame): DialMessageInit =>
  wrap(frame.kind === "data" ? { case: "data", value: frame.data } : { case: "halfClose", value: true });

/** The contract's only word for the end of what comes is that it is over; what goes in may still be taken. */
function decode(payload: DialResponse["payload"] | undefined): DialEvent {
  if (payload?.case === "data") return { kind: "data", data: payload.value };
  if (payload?.case !== "closed") return { kind: "data", data: new Uint8Array(0) };
  const error = toError(payload.value);
  return error === undefined ? { kind: "half_close" } : { kind: "closed", error };
}

/** As the contract numbers them. */
const reasons: Readonly<Record<number, DialFailure>> = {
  2: "refused",
  3: "timeout",
  4: "reset",
  5: "path_denied",
};
const clean = 1;
const capabilityUnavailable = 7;

function toError(closed: DialClosed): SandboxError | undefined {
  const { detail } = closed;
  const reason: number = closed.reason;
  if (reason === clean) return undefined;
  if (reason === capabilityUnavailable) return new CapabilityUnavailableError("unavailable", detail);
  const failure = reasons[reason];
  const text = detail || "the connection into the sandbox broke off";
  return failure === undefined ? new SandboxError("unavailable", text) : new DialFailedError(failure, text);
}

const notSaid = (path: string): SandboxError =>
  new SandboxError("internal", `the service did not say whether it has connected to ${path}`);
