import type { ServiceImpl } from "@connectrpc/connect";
import { ListenError } from "../../domain/dial.js";
import { TenkiError } from "../../domain/error.js";
import {
  HostPortTunnelTerminated_Reason as Reason,
  type HostPortTunnelOpen,
  type SandboxSessionDataPlaneService,
  type SandboxSessionDataPlaneServiceHostPortTunnelRequest,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { HostPortTunnel } from "../core/connections/host-port-tunnel.js";
import { fromTunnelFrame, toLost, toTerminated, toTunnelFrame, toTunnelOpened } from "./convert/tunnel.js";
import { untilStopping } from "./cut-off.js";
import type { DialMethodsOptions } from "./dial.js";
import { firstFrameMs, readFirstFrame } from "./first-frame.js";

type TunnelFrames = AsyncIterator<SandboxSessionDataPlaneServiceHostPortTunnelRequest>;

/** A port inside whose connections are its caller's to answer. */
export function hostPortTunnelMethods(options: DialMethodsOptions) {
  return {
    async *hostPortTunnel(requests, context) {
      const frames = requests[Symbol.asyncIterator]();
      const first = await readFirstFrame(frames, options.firstFrameMs ?? firstFrameMs);
      if (first === undefined) {
        yield toTerminated(
          Reason.CAPABILITY_UNAVAILABLE,
          "first_frame_timeout: nothing was said to listen on",
        );
        return;
      }
      const open = first.done === true ? undefined : first.value.frame?.payload;
      if (open?.case !== "open") {
        throw new TenkiError("invalid_argument", "the first frame has to be `open`");
      }
      const call = untilStopping(context.signal, options.stopping);
      try {
        const tunnel = await openTunnel(options, open.value, call.signal);
        if (tunnel instanceof ListenError)
          yield toTerminated(Reason.BIND_FAILED, tunnel.message, tunnel.errno);
        else yield* serve(tunnel, frames, call.signal, options);
      } finally {
        call.clear();
      }
    },
  } satisfies Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>>;
}

/** A port that is taken is an answer, and no failure of the call. */
async function openTunnel(
  { connections }: DialMethodsOptions,
  { sessionId, sandboxBindAddress, sandboxPort }: HostPortTunnelOpen,
  signal: AbortSignal,
): Promise<HostPortTunnel | ListenError> {
  try {
    return await connections.tunnel(sessionId, { address: sandboxBindAddress, port: sandboxPort }, signal);
  } catch (error) {
    if (error instanceof ListenError) return error;
    throw error;
  }
}

async function* serve(
  tunnel: HostPortTunnel,
  frames: TunnelFrames,
  signal: AbortSignal,
  { stopping }: DialMethodsOptions,
) {
  const close = () => tunnel.close();
  signal.addEventListener("abort", close, { once: true });
  if (signal.aborted) close();
  let failure: unknown;
  hear(tunnel, frames).catch((error: unknown) => {
    failure = error;
    close();
  });
  const events = tunnel.frames();
  try {
    yield toTunnelOpened(tunnel.port, tunnel.address);
    for await (const event of events) yield toTunnelFrame(event);
    if (stopping.aborted) yield toTerminated(Reason.ENGINE_DRAINING, "the engine is stopping");
    else if (failure !== undefined) throw failure;
  } catch (error) {
    if (failure !== undefined) throw error;
    yield toLost(error);
  } finally {
    signal.removeEventListener("abort", close);
    close();
  }
}

/** What the caller says, up to its end, which is the tunnel's. */
async function hear(tunnel: HostPortTunnel, frames: TunnelFrames): Promise<void> {
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    await tunnel.take(fromTunnelFrame(next.value.frame?.payload ?? { case: undefined }));
  }
  tunnel.close();
}
