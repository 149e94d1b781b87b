import type { HandlerContext } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import type { AttachExecutionRequest, AttachOpen } from "../../gen/tenki/engine/v1/execution_pb.js";
import type { GuestProcess } from "../core/ports/runtime.js";
import { toAttachFrame, toInputFrame } from "./convert/execution.js";
import { untilStopping } from "./cut-off.js";
import type { ExecutionMethodsOptions } from "./executions.js";
import { firstFrameMs, readFirstFrame } from "./first-frame.js";
import { followProcess } from "./follow-process.js";
import type { InputFrame } from "./run-input.js";

type AttachFrames = AsyncIterator<AttachExecutionRequest>;

/** What a command has said and says, and what is typed to it, for one of perhaps many callers. */
export async function* attachExecution(
  options: ExecutionMethodsOptions,
  requests: AsyncIterable<AttachExecutionRequest>,
  context: HandlerContext,
) {
  const frames = requests[Symbol.asyncIterator]();
  const open = await readOpen(frames);
  const call = untilStopping(context.signal, options.stopping);
  try {
    const { process, terminal } = await attach(options, open, call.signal);
    if (open.terminal !== undefined) process.resize(open.terminal);
    const events = followProcess(process, {
      open: process.stdinWindowBytes > 0,
      closesAtEnd: false,
      signal: call.signal,
      frames: toInput(frames),
      mayEndEarly: open.noFollow,
    });
    yield toAttached(process, terminal);
    for await (const event of events) yield toAttachFrame(event);
  } finally {
    call.clear();
  }
}

/** An execution of the record, or a command of `Run` that was kept for its caller to come back. */
async function attach(
  { executions, commands }: ExecutionMethodsOptions,
  open: AttachOpen,
  signal: AbortSignal,
): Promise<{ readonly process: GuestProcess; readonly terminal: boolean }> {
  const id = open.executionId.toLowerCase();
  const outputOffset = Number(open.outputOffset);
  const execution = executions.find(id);
  if (execution === undefined && open.sessionId !== "") {
    refuseRange(open);
    return { process: await commands.attach(open.sessionId, id, outputOffset, signal), terminal: false };
  }
  const { terminal } = execution ?? executions.get(id);
  const range = { outputOffset, tailBytes: Number(open.tailBytes), follow: !open.noFollow };
  return { process: await executions.attach(id, range), terminal };
}

function refuseRange({ tailBytes, noFollow }: AttachOpen): void {
  if (tailBytes === 0n && !noFollow) return;
  throw new TenkiError("invalid_argument", "tail_bytes and no_follow need an execution that is recorded");
}

const toAttached = (process: GuestProcess, terminal: boolean) => ({
  payload: {
    case: "attached" as const,
    value: {
      pid: BigInt(process.pid),
      outputOffset: BigInt(process.outputOffset),
      stdinWindowBytes: process.stdinWindowBytes,
      stdinReceived: BigInt(process.stdinReceived),
      terminal,
    },
  },
});

async function readOpen(frames: AttachFrames): Promise<AttachOpen> {
  const first = await readFirstFrame(frames, firstFrameMs);
  if (first === undefined)
    throw new TenkiError("deadline_exceeded", "nothing was said about what to attach to");
  if (first.done !== true && first.value.payload.case === "open") return first.value.payload.value;
  throw new TenkiError("invalid_argument", "the first frame has to be `open`");
}

async function* toInput(frames: AttachFrames): AsyncGenerator<InputFrame, void, undefined> {
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    yield toInputFrame(next.value);
  }
}
