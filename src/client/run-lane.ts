import type { Socket } from "node:net";
import type { CommandExit } from "../domain/command.js";
import { executionHeader, laneProtocol, runLanePath } from "../domain/run-lane.js";
import { startDeadline } from "../lib/deadline.js";
import { blankSecrets, clientHeaders, credentialHeader } from "./authentication.js";
import type { BurstOutlet } from "./burst-outlet.js";
import type { CommandLink } from "./command-link.js";
import type { startMessage } from "./convert/run-frames.js";
import { isOwnSocket } from "./lane-socket.js";
import { LaneLink, type LaneStart } from "./lane-link.js";
import type { Rpc } from "./rpc.js";
import type { Settings } from "./settings.js";
import { upgradeLocally } from "./upgrade-locally.js";

export interface LaneAccess {
  readonly endpoint: string;
  readonly credential: string;
  /** A shorter way to the same. */
  readonly laneSocket?: string | undefined;
}

export interface LaneCommand {
  /** The contract's first message. */
  readonly start: ReturnType<typeof startMessage>;
  /** To keep it under. */
  readonly executionId: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly bursts: BurstOutlet | undefined;
}

export type LaneRun = { readonly exit: CommandExit } | (LaneStart & { readonly link: CommandLink });

/** Starts a command by the lane; undefined where there is none, or nobody: gRPC then tells what is wrong. */
export async function runByLane(
  { settings }: Rpc,
  access: LaneAccess,
  { start, executionId, signal, bursts }: LaneCommand,
): Promise<LaneRun | undefined> {
  const opening = startDeadline(settings.timeoutMs, signal);
  try {
    const upgrade = { headers: laneHeaders(access, executionId), signal: opening.signal };
    const socket = (await upgradeHere(access, upgrade)) ?? (await upgradeByHttp(access, upgrade));
    if (socket === undefined) return undefined;
    const link = new LaneLink(socket, {
      endpoint: access.endpoint,
      report: observe(settings, access),
      bursts,
    });
    opening.signal.addEventListener("abort", () => link.close(), { once: true });
    const outcome = await link.start(start.frame?.payload);
    return "exit" in outcome ? outcome : { ...outcome, link };
  } finally {
    opening.clear();
  }
}

interface Upgrade {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const laneHeaders = ({ credential }: LaneAccess, executionId: string | undefined) => ({
  ...{ [credentialHeader]: credential, ...clientHeaders },
  ...(executionId === undefined ? {} : { [executionHeader]: executionId }),
});

/** Undefined where there is no such socket, or not the engine's that is meant. */
async function upgradeHere(
  { laneSocket, endpoint }: LaneAccess,
  upgrade: Upgrade,
): Promise<Socket | undefined> {
  if (laneSocket === undefined || !isOwnSocket(laneSocket, endpoint)) return undefined;
  const how = { ...upgrade, socketPath: laneSocket, path: runLanePath, protocol: laneProtocol };
  return (await upgradeLocally(how))?.socket;
}

/** Undefined where the service answers anything else than that it changes over. */
async function upgradeByHttp(
  { endpoint }: LaneAccess,
  { headers, signal }: Upgrade,
): Promise<Socket | undefined> {
  const url = new URL(runLanePath, endpoint);
  const { request } = await (url.protocol === "https:" ? import("node:https") : import("node:http"));
  const call = request(url, {
    signal,
    headers: { connection: "upgrade", upgrade: laneProtocol, ...headers },
  });
  call.end();
  return new Promise((resolve) => {
    call.on("upgrade", (_answer, socket: Socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    call.on("response", (answer) => resolve(void answer.destroy()));
    call.on("error", () => resolve(undefined));
  });
}

type Report = (error?: string) => void;

function observe({ onRequest, token }: Settings, { endpoint, credential }: LaneAccess): Report {
  const startedAt = performance.now();
  return (error) =>
    onRequest?.({
      method: "SandboxSessionDataPlaneService.Run",
      endpoint,
      durationMs: Math.round(performance.now() - startedAt),
      ...(error === undefined ? {} : { error: blankSecrets(error, [token, credential]) }),
    });
}
