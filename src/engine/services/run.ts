import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import type {
  RunStart,
  SandboxSessionDataPlaneService,
  SandboxSessionDataPlaneServiceRunRequest,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Commands } from "../core/commands.js";
import type { GuestProcess } from "../core/ports/runtime.js";
import { fromRunStart, toEventFrame, toExitFrame, toRunFrame } from "./convert/run.js";
import { gatherOutput } from "./gather-output.js";
import { RunInput } from "./run-input.js";

type RunFrames = AsyncIterator<SandboxSessionDataPlaneServiceRunRequest>;

/** How long a caller may take to say what to run. */
const firstFrameMs = 10_000;

/** Runs a command for as long as its caller stays. */
export function runMethods(commands: Commands, options: { readonly firstFrameMs?: number } = {}) {
  return {
    async *run(requests, context) {
      const frames = requests[Symbol.asyncIterator]();
      const start = await readStart(frames, options.firstFrameMs ?? firstFrameMs);
      if (start === undefined) {
        yield toExitFrame(noFirstFrame);
        return;
      }
      const spawned = await commands.run(start.sessionId, fromRunStart(start), context.signal);
      if (spawned.started) yield* follow(spawned.process, start, frames, context);
      else yield toExitFrame(spawned.exit);
    },
  } satisfies Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>>;
}

async function* follow(process: GuestProcess, start: RunStart, frames: RunFrames, context: HandlerContext) {
  const end = () => process.close();
  context.signal.addEventListener("abort", end, { once: true });
  if (context.signal.aborted) end();
  const input = new RunInput(process, start.streamStdin);
  try {
    const { pid } = process;
    yield toRunFrame({
      case: "started",
      value: { pid: BigInt(pid), stdinWindowBytes: start.streamStdin ? process.stdinWindowBytes : 0 },
    });
    input.begin(frames);
    let exited = false;
    for await (const event of gatherOutput(process.events)) {
      if (event.kind === "stdin_taken") input.grant(event.bytes);
      exited = event.kind === "exit";
      yield toEventFrame(event);
    }
    if (!exited) throw new TenkiError("unavailable", "the command was ended before its exit was known");
  } catch (error) {
    input.throwIfFailed(); // what the caller sent wrong is why the rest broke off
    context.signal.throwIfAborted();
    throw error;
  } finally {
    context.signal.removeEventListener("abort", end);
    input.end();
    end();
  }
}

const noFirstFrame = {
  exitCode: -1,
  timedOut: false,
  durationMs: 0,
  reason: "first_frame_timeout: nothing was said about what to run",
};

/** Undefined where the caller says nothing in time. */
async function readStart(frames: RunFrames, timeoutMs: number): Promise<RunStart | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>(
    (resolve) => (timer = setTimeout(() => resolve(undefined), timeoutMs)),
  );
  const first = await Promise.race([frames.next(), silence]).finally(() => clearTimeout(timer));
  if (first === undefined) return undefined;
  const payload = first.done === true ? undefined : first.value.frame?.payload;
  if (payload?.case === "start") return payload.value;
  throw new TenkiError("invalid_argument", "the first frame has to be `start`");
}
