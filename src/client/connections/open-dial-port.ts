import type { MessageInitShape } from "@bufbuild/protobuf";
import type { DialFailure } from "../../domain/dial.js";
import type {
  DialPortClosed,
  DialPortRequestSchema,
  DialPortResponse,
} from "../../gen/tenki/engine/v1/dial_pb.js";
import { Uplink } from "../command-link.js";
import type { DataPlane } from "../data-plane.js";
import { DialFailedError, SandboxError } from "../errors.js";
import { openStream } from "../open-stream.js";
import type { DialOptions } from "../options/connections.js";
import type { DialEvent, DialFrame, DialLink } from "./dialled-stream.js";
import { relayPort } from "./relay-port.js";

type PortMessageInit = MessageInitShape<typeof DialPortRequestSchema>;

/** Services that are known to have no `DialPort`: asked once each. */
const withoutDialPort = new WeakSet<object>();

/** Connects to a port inside: by the engine's `DialPort`, else by a relay that runs inside. */
export async function openDialPort(
  dataPlane: DataPlane,
  port: number,
  options: DialOptions,
): Promise<DialLink> {
  if (withoutDialPort.has(dataPlane.rpc)) return relayPort(dataPlane, port, options);
  try {
    return await dialPort(dataPlane, port, options);
  } catch (error) {
    if (!(error instanceof SandboxError) || error.kind !== "unimplemented") throw error;
    withoutDialPort.add(dataPlane.rpc);
    return relayPort(dataPlane, port, options);
  }
}

async function dialPort(
  { rpc, sessionId }: DataPlane,
  port: number,
  { connectTimeoutMs = 0, signal }: DialOptions,
): Promise<DialLink> {
  const open: PortMessageInit = {
    payload: { case: "open", value: { sessionId, port, connectTimeoutMs } },
  };
  let uplink = new Uplink(open, encode);
  const { endpoint } = rpc.settings;
  const plan = { what: "DialService.DialPort", endpoint, signal, idempotent: true };
  const stream = await openStream(rpc, plan, (at, call) => {
    uplink = new Uplink(open, encode);
    return at.dial.dialPort(uplink.messages(), call);
  });
  const close = () => {
    uplink.end();
    stream.close();
  };
  const next = async (): Promise<DialEvent | undefined> => {
    const { done, value } = await stream.next();
    return done ? undefined : decode(value.payload);
  };
  const first = await stream.next();
  const payload = first.done ? undefined : first.value.payload;
  if (payload?.case !== "opened") {
    close();
    throw (payload?.case === "closed" ? toError(payload.value) : undefined) ?? notSaid(port);
  }
  return { next, send: (frame) => uplink.send(frame), end: () => uplink.end(), close };
}

const encode = (frame: DialFrame): PortMessageInit => ({
  payload: frame.kind === "data" ? { case: "data", value: frame.data } : { case: "halfClose", value: true },
});

function decode(payload: DialPortResponse["payload"]): DialEvent {
  if (payload.case === "data") return { kind: "data", data: payload.value };
  if (payload.case === "halfClose") return { kind: "half_close" };
  return { kind: "closed", error: payload.case === "closed" ? toError(payload.value) : undefined };
}

/** As proto/tenki/engine/v1/dial.proto numbers them. */
const reasons: Readonly<Record<number, DialFailure>> = { 2: "refused", 3: "timeout", 4: "reset" };

function toError({ reason, detail }: DialPortClosed): DialFailedError | undefined {
  const failure = reasons[reason];
  return failure === undefined ? undefined : new DialFailedError(failure, detail);
}

const notSaid = (port: number): SandboxError =>
  new SandboxError("internal", `the service did not say whether it has connected to port ${port}`);
