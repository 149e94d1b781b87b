import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  Code,
  ConnectError,
  createContextValues,
  createHandlerContext,
  type Interceptor,
  type ServiceImplSpec,
} from "@connectrpc/connect";
import { transformInvokeImplementation } from "@connectrpc/connect/protocol";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import {
  executionHeader,
  laneFrames,
  laneHeader,
  laneProtocol,
  laneSocketHeader,
  runLanePath,
} from "../../domain/run-lane.js";
import { hintHeader } from "../../domain/error.js";
import { SandboxSessionDataPlaneService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { SSHGatewayClientService } from "../../gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import { writeFrame } from "../../lib/frames.js";
import { isPlainSocket } from "../../lib/relay-process.js";
import { encodeAnswer, readLane } from "./lane-frames.js";
import { laneSocket } from "./lane-socket.js";
import { toHeaders } from "./universal-request.js";
import type { UpgradeRoute } from "./upgrades.js";

export interface RunLaneOptions {
  readonly services: readonly ServiceImplSpec[];
  /** As of every other call: who may, what is valid, what is logged. */
  readonly interceptors: Interceptor[];
  readonly shutdownSignal: AbortSignal;
  /** Calls that come earlier wait for it. */
  readonly ready: Promise<unknown>;
}

const accepted = `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${laneProtocol}\r\n\r\n`;

/** Serves `Run` over an upgrade as it serves it over gRPC; only how messages are written differs. */
export function runLaneRoute({ services, ready, ...options }: RunLaneOptions): UpgradeRoute[] {
  const run = services.find(({ service }) => service === SandboxSessionDataPlaneService)?.methods["run"];
  if (run?.kind !== "bidi_streaming") return [];
  return [
    {
      prefix: runLanePath,
      handle(request, socket, head) {
        socket.write(accepted);
        if (head.length > 0) socket.unshift(head);
        void ready.then(() => serve({ request, socket, run, ...options }));
      },
    },
  ];
}

/** Tells who runs a command over gRPC that there is the lane, too; and where else it is, and the SSH bridge's. */
export const announceRunLane =
  (socketPath: string | undefined): Interceptor =>
  (next) =>
  async (request) => {
    const response = await next(request);
    const isRun = request.method === SandboxSessionDataPlaneService.method.run;
    if (isRun) response.header.set(laneHeader, "1");
    const isLed = isRun || request.method === SSHGatewayClientService.method.listActiveSSHGateways;
    if (isLed && socketPath !== undefined)
      response.header.set(laneSocketHeader, encodeURIComponent(socketPath));
    return response;
  };

interface LaneCall extends Omit<RunLaneOptions, "services" | "ready"> {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly run: Parameters<typeof transformInvokeImplementation>[0];
}

/** Never fails: what goes wrong is told to the caller, where there is one. */
async function serve({ request, socket, run, interceptors, shutdownSignal }: LaneCall): Promise<void> {
  const gone = new AbortController();
  const lost = () => gone.abort(new ConnectError("the connection to the caller was lost", Code.Unavailable));
  const letGo = () => gone.abort(new ConnectError("the caller went away", Code.Canceled));
  socket.once("close", lost);
  const context = createHandlerContext({
    ...{ service: run.method.parent, method: run.method, protocolName: laneProtocol },
    ...{ requestMethod: "POST", url: `http://${request.headers.host}${request.url}` },
    ...{ requestHeader: toHeaders(request), requestSignal: gone.signal, shutdownSignal },
    contextValues: createContextValues().set(laneSocket, isPlainSocket(socket) ? socket : undefined),
  });
  try {
    const answers = transformInvokeImplementation(
      run,
      context,
      interceptors,
    )(readLane(socket, { lost, letGo }));
    let first = true;
    for await (const answer of answers) {
      if (first) await tellKept(socket, context.responseHeader.get(executionHeader));
      first = false;
      const { kind, payload } = encodeAnswer(answer as Parameters<typeof encodeAnswer>[0]);
      await writeFrame(socket, kind, payload);
    }
  } catch (error) {
    const { code, rawMessage, metadata } = ConnectError.from(error);
    const hint = metadata.get(hintHeader) ?? undefined;
    const failure = JSON.stringify({ code: codeToString(code), message: rawMessage, hint });
    await writeFrame(socket, laneFrames.end, Buffer.from(failure));
  } finally {
    context.abort();
    socket.end();
  }
}

async function tellKept(socket: Duplex, executionId: string | null): Promise<void> {
  if (executionId !== null) await writeFrame(socket, laneFrames.kept, Buffer.from(executionId));
}
