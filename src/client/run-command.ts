import type { SandboxSessionDataPlaneServiceRunResponse as RunMessage } from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import { exitFromWire } from "./convert/command.js";
import type { DataPlane } from "./data-plane.js";
import { CapabilityUnavailableError, SandboxError } from "./errors.js";
import type { StreamStarter } from "./open-stream.js";
import type { StartOptions } from "./options.js";
import { RunFrames, type RunPayload } from "./run-frames.js";
import { notStarted, StreamedCommand, type RunningCommand } from "./running-command.js";

/** Starts a command in a session, and resolves when it runs, or was found not to be startable. */
export async function runCommand(
  dataPlane: DataPlane,
  argv: readonly string[],
  options: StartOptions = {},
): Promise<RunningCommand> {
  const [name = ""] = argv;
  if (name === "") throw new SandboxError("invalid_argument", "a command needs a program");
  const start = startPayload(dataPlane.sessionId, argv, options);
  let frames = new RunFrames(start);
  const begin: StreamStarter<RunMessage> = (at, call) => {
    frames = new RunFrames(start); // another attempt begins with the first frame again
    return at.dataPlane.run(frames.messages(), call);
  };
  const plan = { what: `the start of ${name}`, signal: options.signal, idempotent: false };
  const stream = await dataPlane.open(begin, plan);
  const first = await stream.next();
  const payload = first.done ? undefined : first.value.frame?.payload;
  if (payload?.case === "started") {
    frames.openWindow(payload.value.stdinWindowBytes);
    const pid = Number(payload.value.pid);
    const command = new StreamedCommand({ name, pid, takesStdin: options.stdin === true, frames, stream });
    closeOnAbort(command, options.signal);
    return command;
  }
  frames.end();
  stream.close();
  if (payload?.case !== "exit")
    throw new SandboxError("internal", `the service did not say whether ${name} started`);
  const exit = exitFromWire(payload.value);
  if (exit.reason.startsWith("capability_unavailable")) {
    throw new CapabilityUnavailableError("unimplemented", `the sandbox cannot run commands: ${exit.reason}`);
  }
  if (exit.reason.startsWith("first_frame_timeout")) {
    throw new SandboxError("deadline_exceeded", `the sandbox did not answer the start of ${name} in time`);
  }
  return notStarted(exit);
}

function startPayload(sessionId: string, argv: readonly string[], options: StartOptions): RunPayload {
  const { terminal } = options;
  const size = terminal === undefined ? {} : { COLUMNS: `${terminal.columns}`, LINES: `${terminal.rows}` };
  return {
    case: "start",
    value: {
      sessionId,
      cmd: [...argv],
      cwd: options.cwd ?? "",
      env: { ...options.env, ...size },
      pty: terminal !== undefined,
      streamStdin: options.stdin === true,
      timeoutMs: options.timeoutMs ?? 0,
      privileged: options.privileged ?? false,
    },
  };
}

function closeOnAbort(command: RunningCommand, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const close = () => command.close();
  signal.addEventListener("abort", close, { once: true });
  const forget = () => signal.removeEventListener("abort", close);
  command.exit.then(forget, forget);
  if (signal.aborted) close();
}
