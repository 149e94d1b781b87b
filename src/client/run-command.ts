import { randomUUID } from "node:crypto";
import type { CommandExit } from "../domain/command.js";
import { executionHeader, laneHeader, laneSocketHeader } from "../domain/run-lane.js";
import type { SandboxSessionDataPlaneServiceRunResponse as RunMessage } from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import { commandLink, Uplink, type CommandLink } from "./command-link.js";
import { exitFromWire } from "./convert/command.js";
import { ConnectionError } from "./connection-error.js";
import { decodeRunMessage, encodeRunFrame, startMessage } from "./convert/run-frames.js";
import type { DataPlane } from "./data-plane.js";
import { CapabilityUnavailableError, SandboxError } from "./errors.js";
import type { StreamStarter } from "./open-stream.js";
import type { StartOptions } from "./options/commands.js";
import { readLaneSocket } from "./lane-socket.js";
import { runByLane } from "./run-lane.js";
import { TerminalResizer } from "./resize-terminal.js";
import { closeOnAbort, notStarted, type RunningCommand } from "./running-command.js";
import { StreamedCommand } from "./streamed-command.js";
import { wayBack } from "./way-back.js";

/** Starts a command in a session, and resolves when it runs, or was found not to be startable. */
export async function runCommand(
  dataPlane: DataPlane,
  argv: readonly string[],
  options: StartOptions = {},
): Promise<RunningCommand> {
  const [name = ""] = argv;
  if (name === "") throw new SandboxError("invalid_argument", "a command needs a program");
  const executionId = options.resumable === true ? randomUUID() : undefined;
  const run = await openRun(dataPlane, argv, options, executionId).catch((error: unknown) =>
    findStarted(dataPlane, { name, executionId, options }, error),
  );
  if ("exit" in run) return notStarted(checkExit(name, run.exit));
  const { link, pid } = run;
  const command = new StreamedCommand({
    ...{ name, pid, link, outputOffset: 0 },
    takesStdin: options.stdin === true,
    stdin: { received: 0, windowBytes: run.stdinWindowBytes },
    ...(executionId === undefined ? {} : returning(dataPlane, name, run.isKept ? executionId : undefined)),
    onConnection: options.onConnection,
    bursts: options.bursts,
    resize: resizeByCommand(dataPlane, pid, options),
  });
  closeOnAbort(command, options.signal);
  return command;
}

/** How to come back to it, or why that cannot be: other services do not keep commands. */
function returning({ rpc, sessionId }: DataPlane, name: string, keptAs: string | undefined) {
  if (keptAs === undefined) return { whyLost: ", and this service cannot hand it back" };
  return { comeBack: wayBack(rpc, { name, sessionId, executionId: keptAs }) };
}

interface Unanswered {
  readonly name: string;
  readonly executionId: string | undefined;
  readonly options: StartOptions;
}

/** The connection broke before the answer came: the command may run. Throws what broke it where it is not found. */
async function findStarted(
  { rpc, sessionId }: DataPlane,
  { name, executionId, options }: Unanswered,
  cause: unknown,
): Promise<OpenedRun> {
  if (executionId === undefined || !(cause instanceof ConnectionError) || !cause.requestSent) throw cause;
  options.onConnection?.("lost");
  const signal = options.signal ?? new AbortController().signal;
  const find = wayBack(rpc, { name, sessionId, executionId });
  const found = await find({ outputOffset: 0, cause, signal }).catch(() => undefined);
  if (found === undefined) throw cause;
  options.onConnection?.("back");
  return { link: found.link, pid: found.pid, stdinWindowBytes: found.stdin.windowBytes, isKept: true };
}

type OpenedRun =
  | { readonly exit: CommandExit }
  | {
      readonly link: CommandLink;
      readonly pid: number;
      readonly stdinWindowBytes: number;
      /** The service says that it can be come back to. */
      readonly isKept: boolean;
    };

async function openRun(
  dataPlane: DataPlane,
  argv: readonly string[],
  options: StartOptions,
  executionId: string | undefined,
): Promise<OpenedRun> {
  const name = argv[0] ?? "";
  const start = startMessage(dataPlane.sessionId, argv, options);
  const plan = { what: `the start of ${name}`, signal: options.signal, idempotent: false };
  const byLane = await dataPlane.byLane(plan, (access) =>
    runByLane(dataPlane.rpc, access, {
      start,
      executionId,
      signal: options.signal,
      bursts: options.bursts,
    }),
  );
  if (byLane !== undefined) return byLane;
  let uplink = new Uplink(start, encodeRunFrame);
  let echoed: string | null = null;
  const begin: StreamStarter<RunMessage> = (at, call) => {
    uplink = new Uplink(start, encodeRunFrame); // another attempt begins with the first frame again
    const asked = executionId === undefined ? {} : { [executionHeader]: executionId };
    const headers = { ...call.headers, ...asked };
    const onHeader = (answer: Headers) => {
      echoed = answer.get(executionHeader);
      if (answer.has(laneHeader)) dataPlane.noteLane(readLaneSocket(answer.get(laneSocketHeader)));
    };
    return at.dataPlane.run(uplink.messages(), { ...call, headers, onHeader });
  };
  const stream = await dataPlane.open(begin, plan);
  const first = await stream.next();
  const payload = first.done ? undefined : first.value.frame?.payload;
  if (payload?.case === "started") {
    const { pid, stdinWindowBytes } = payload.value;
    const link = commandLink(uplink, stream, decodeRunMessage);
    return { link, pid: Number(pid), stdinWindowBytes, isKept: echoed === executionId };
  }
  uplink.end();
  stream.close();
  if (payload?.case === "exit") return { exit: exitFromWire(payload.value) };
  throw new SandboxError("internal", `the service did not say whether ${name} started`);
}

/** Some reasons are about the sandbox rather than the command. */
function checkExit(name: string, exit: CommandExit): CommandExit {
  if (exit.reason.startsWith("capability_unavailable")) {
    throw new CapabilityUnavailableError("unimplemented", `the sandbox cannot run commands: ${exit.reason}`);
  }
  if (exit.reason.startsWith("first_frame_timeout")) {
    throw new SandboxError("deadline_exceeded", `the sandbox did not answer the start of ${name} in time`);
  }
  return exit;
}

function resizeByCommand(dataPlane: DataPlane, pid: number, { terminal, privileged }: StartOptions) {
  if (terminal === undefined) return () => Promise.resolve();
  const start = (argv: readonly string[]) => runCommand(dataPlane, argv, { privileged, timeoutMs: 10_000 });
  const resizer = new TerminalResizer(start, pid);
  return (size: typeof terminal) => resizer.follow(size);
}
