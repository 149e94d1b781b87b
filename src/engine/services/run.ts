import type { Socket } from "node:net";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import { executionHeader } from "../../domain/run-lane.js";
import type {
  RunRequest,
  RunStart,
  SandboxSessionDataPlaneService,
  SandboxSessionDataPlaneServiceRunRequest,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Commands } from "../core/commands/commands.js";
import { runLingerMs } from "../core/workspace/limits.js";
import type { GuestProcess, KeptCommand } from "../core/ports/runtime.js";
import { laneSocket } from "../server/lane-socket.js";
import { fromRunStart, fromWireSignal, toEventFrame, toExitFrame, toRunFrame } from "./convert/run.js";
import { untilStopping } from "./cut-off.js";
import { firstFrameMs, readFirstFrame } from "./first-frame.js";
import { followProcess } from "./follow-process.js";
import type { InputFrame } from "./run-input.js";

type RunFrames = AsyncIterator<SandboxSessionDataPlaneServiceRunRequest>;

export interface RunOptions {
  readonly firstFrameMs?: number | undefined;
  /** Aborts ahead of everything else: who can come back has no need to be waited for. */
  readonly stopping?: AbortSignal | undefined;
}

/** Runs a command for as long as its caller stays. */
export function runMethods(commands: Commands, options: RunOptions = {}) {
  return {
    async *run(requests, context) {
      const frames = requests[Symbol.asyncIterator]();
      const kept = keptAs(context);
      const start = await readStart(frames, options.firstFrameMs ?? firstFrameMs);
      if (start === undefined) {
        yield toExitFrame(noFirstFrame);
        return;
      }
      const call = untilStopping(context.signal, (kept && options.stopping) ?? never);
      const { signal } = call;
      try {
        const spawned = await commands.run(start.sessionId, fromRunStart(start), signal, kept);
        const lane = context.values.get(laneSocket);
        if (spawned.started) yield* follow(spawned.process, { start, frames, signal, lane });
        else yield toExitFrame(spawned.exit);
      } finally {
        call.clear();
      }
    },
  } satisfies Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>>;
}

interface Follow {
  readonly start: RunStart;
  readonly frames: RunFrames;
  readonly signal: AbortSignal;
  readonly lane: Socket | undefined;
}

async function* follow(process: GuestProcess, { start, frames, signal, lane }: Follow) {
  const open = start.streamStdin;
  const events = followProcess(process, { open, closesAtEnd: true, signal, frames: toInput(frames), lane });
  yield toRunFrame({
    case: "started",
    value: { pid: BigInt(process.pid), stdinWindowBytes: open ? process.stdinWindowBytes : 0 },
  });
  for await (const event of events) yield toEventFrame(event);
}

/** Says so in the answer, too: a service that does not know the header says nothing. */
function keptAs({ requestHeader, responseHeader }: HandlerContext): KeptCommand | undefined {
  const id = requestHeader.get(executionHeader)?.toLowerCase();
  if (id === undefined) return undefined;
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) {
    throw new TenkiError("invalid_argument", `${executionHeader}: must be a UUID`);
  }
  responseHeader.set(executionHeader, id);
  return { id, lingerMs: runLingerMs };
}

const never = new AbortController().signal;

const noFirstFrame = {
  exitCode: -1,
  timedOut: false,
  durationMs: 0,
  reason: "first_frame_timeout: nothing was said about what to run",
};

/** Undefined where the caller says nothing in time. */
async function readStart(frames: RunFrames, timeoutMs: number): Promise<RunStart | undefined> {
  const first = await readFirstFrame(frames, timeoutMs);
  if (first === undefined) return undefined;
  const payload = first.done === true ? undefined : first.value.frame?.payload;
  if (payload?.case === "start") return payload.value;
  throw new TenkiError("invalid_argument", "the first frame has to be `start`");
}

async function* toInput(frames: RunFrames): AsyncGenerator<InputFrame, void, undefined> {
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    const { frame } = next.value;
    if (frame === undefined) throw new TenkiError("invalid_argument", "a frame is empty");
    yield toInputFrame(frame);
  }
}

function toInputFrame({ payload }: RunRequest): InputFrame {
  switch (payload.case) {
    case "stdin":
      return { kind: "stdin", data: payload.value };
    case "stdinClose":
      return { kind: "close" };
    case "signal":
      return { kind: "signal", name: fromWireSignal(payload.value.signal) };
    default:
      throw new TenkiError("invalid_argument", "after `start`, a frame is input or a signal");
  }
}
