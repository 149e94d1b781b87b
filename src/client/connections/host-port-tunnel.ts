import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  HostPortTunnelRequestSchema,
  HostPortTunnelTerminated,
  SandboxSessionDataPlaneServiceHostPortTunnelRequestSchema,
  SandboxSessionDataPlaneServiceHostPortTunnelResponse as TunnelMessage,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { Uplink } from "../command-link.js";
import type { DataPlane } from "../data-plane.js";
import { CapabilityUnavailableError, SandboxError } from "../errors.js";
import type { OpenStream } from "../open-stream.js";
import type { HostPortTunnelOptions } from "../options/connections.js";
import { type HostAddress, readHostAddress } from "./host-address.js";
import { HostConnections, type TunnelFrame } from "./host-connections.js";

type TunnelMessageInit = MessageInitShape<typeof SandboxSessionDataPlaneServiceHostPortTunnelRequestSchema>;
type TunnelPayload = NonNullable<MessageInitShape<typeof HostPortTunnelRequestSchema>["payload"]>;

export type TunnelTerminationReason =
  | "sdk_closed"
  | "host_closed"
  | "host_error"
  | "engine_terminated"
  | "engine_draining"
  | "transport_error"
  | "timeout";

export interface HostPortTunnelTermination {
  readonly reason: TunnelTerminationReason;
  readonly detail?: string | undefined;
  readonly error?: unknown;
}

/** A port inside whose connections are made to a host from here. */
export interface HostPortTunnel {
  readonly sandboxPort: number;
  readonly sandboxAddress: string;
  close(): Promise<void>;
  /** Settles once, when it is over. */
  readonly terminated: Promise<HostPortTunnelTermination>;
  onTerminated(heard: (termination: HostPortTunnelTermination) => void): void;
}

/** Makes `host:port`, as this machine reaches it, a port inside. */
export async function exposeHostPort(
  dataPlane: DataPlane,
  hostAddr: string,
  options: HostPortTunnelOptions = {},
): Promise<HostPortTunnel> {
  const host = readHostAddress(hostAddr);
  const open = wrap({
    case: "open",
    value: {
      sessionId: dataPlane.sessionId,
      sandboxBindAddress: options.sandboxBindAddress ?? "",
      sandboxPort: options.sandboxPort ?? 0,
      hostDialTargetLabel: (options.hostDialTargetLabel ?? hostAddr).slice(0, 256),
    },
  });
  let uplink = new Uplink(open, encode);
  const plan = { what: `the tunnel to ${hostAddr}`, signal: options.signal, idempotent: true };
  const stream = await dataPlane.open((at, call) => {
    uplink = new Uplink(open, encode);
    return at.dataPlane.hostPortTunnel(uplink.messages(), call);
  }, plan);
  const first = await stream.next();
  const payload = first.done ? undefined : first.value.frame?.payload;
  if (payload?.case === "opened") return new OpenTunnel(stream, uplink, payload.value, { host, options });
  uplink.end();
  stream.close();
  throw payload?.case === "terminated" ? toError(payload.value) : notOpened(hostAddr);
}

class OpenTunnel implements HostPortTunnel {
  readonly sandboxPort: number;
  readonly sandboxAddress: string;
  readonly terminated: Promise<HostPortTunnelTermination>;
  readonly #stream: OpenStream<TunnelMessage>;
  readonly #uplink: Uplink<TunnelMessageInit, TunnelFrame>;
  readonly #connections: HostConnections;
  #finish: (termination: HostPortTunnelTermination) => void = () => undefined;

  constructor(
    stream: OpenStream<TunnelMessage>,
    uplink: Uplink<TunnelMessageInit, TunnelFrame>,
    at: { readonly sandboxPort: number; readonly sandboxAddress: string },
    to: { readonly host: HostAddress; readonly options: HostPortTunnelOptions },
  ) {
    this.sandboxPort = at.sandboxPort;
    this.sandboxAddress = at.sandboxAddress;
    this.#stream = stream;
    this.#uplink = uplink;
    this.#connections = new HostConnections(to.host, (frame) => uplink.send(frame), to.options.onConnection);
    this.terminated = new Promise((resolve) => (this.#finish = resolve));
    void this.#serve().then((termination) => this.#end(termination));
  }

  onTerminated(heard: (termination: HostPortTunnelTermination) => void): void {
    void this.terminated.then(heard);
  }

  async close(): Promise<void> {
    this.#finish({ reason: "sdk_closed" });
    // Connection 0 is the tunnel itself.
    await Promise.race([this.#uplink.send({ kind: "close", id: 0n, reason: "sdk_closed" }), this.terminated]);
    this.#end({ reason: "sdk_closed" });
  }

  async #serve(): Promise<HostPortTunnelTermination> {
    try {
      for (;;) {
        const { done, value } = await this.#stream.next();
        if (done) return { reason: "transport_error", detail: "the tunnel ended without a word" };
        const payload = value.frame?.payload;
        if (payload?.case === "terminated") return toTermination(payload.value);
        await this.#hear(payload);
      }
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return { reason: "transport_error", detail, error };
    }
  }

  async #hear(payload: NonNullable<TunnelMessage["frame"]>["payload"] | undefined): Promise<void> {
    switch (payload?.case) {
      case "accept":
        return this.#connections.open(payload.value.subStreamId, payload.value.sourceAddress);
      case "data":
        return this.#connections.write(payload.value.subStreamId, payload.value.payload);
      case "halfClose":
        return this.#connections.end(payload.value.subStreamId);
      case "close":
        return this.#connections.close(payload.value.subStreamId);
      case "ping":
        void this.#uplink.send({ kind: "pong", id: payload.value.pingId });
        return undefined;
      default:
        return undefined;
    }
  }

  #end(termination: HostPortTunnelTermination): void {
    this.#finish(termination);
    this.#connections.closeAll();
    this.#uplink.end();
    this.#stream.close();
  }
}

const wrap = (payload: TunnelPayload): TunnelMessageInit => ({ frame: { payload } });

function encode(frame: TunnelFrame): TunnelMessageInit {
  switch (frame.kind) {
    case "data":
      return wrap({ case: "data", value: { subStreamId: frame.id, payload: frame.data } });
    case "half_close":
      return wrap({ case: "halfClose", value: { subStreamId: frame.id } });
    case "close":
      return wrap({ case: "close", value: { subStreamId: frame.id, reason: frame.reason } });
    default:
      return wrap({ case: "pong", value: { pingId: frame.id } });
  }
}

/** As the contract numbers them. */
const reason = { keepaliveTimeout: 2, capabilityUnavailable: 5, engineDraining: 6 } as const;
const hostErrors: ReadonlySet<number> = new Set([1, 4, 5]);

function toTermination(terminated: HostPortTunnelTerminated): HostPortTunnelTermination {
  const { detail } = terminated;
  const why: number = terminated.reason;
  if (why === reason.keepaliveTimeout) return { reason: "timeout", detail };
  if (why === reason.engineDraining) return { reason: "engine_draining", detail };
  return { reason: hostErrors.has(why) ? "host_error" : "engine_terminated", detail };
}

function toError(terminated: HostPortTunnelTerminated): SandboxError {
  const { detail } = terminated;
  const why: number = terminated.reason;
  if (why === reason.capabilityUnavailable) return new CapabilityUnavailableError("unavailable", detail);
  const kind = why === reason.engineDraining ? "unavailable" : "failed_precondition";
  return new SandboxError(kind, detail || "the tunnel could not be opened");
}

const notOpened = (hostAddr: string): SandboxError =>
  new SandboxError("internal", `the service did not say whether it has opened the tunnel to ${hostAddr}`);
