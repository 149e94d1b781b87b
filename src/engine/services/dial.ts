import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { DialError } from "../../domain/dial.js";
import { TenkiError } from "../../domain/error.js";
import type { DialPortRequest, DialService } from "../../gen/tenki/engine/v1/dial_pb.js";
import {
  DialClosed_Reason,
  type SandboxSessionDataPlaneService,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { SandboxSessionDataPlaneServiceDialRequest } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { carryStream, type DialUp } from "../core/connections/carry-stream.js";
import type { Connections } from "../core/connections/connections.js";
import type { Clock } from "../core/ports/clock.js";
import type { DialTarget, GuestStream } from "../core/ports/runtime.js";
import {
  fromDialFrame,
  toDialClosed,
  toDialData,
  toDialOpened,
  toDialPortClosed,
  toDialPortFrame,
} from "./convert/dial.js";
import { untilStopping } from "./cut-off.js";
import { firstFrameMs, readFirstFrame } from "./first-frame.js";

export interface DialMethodsOptions {
  readonly connections: Connections;
  readonly clock: Clock;
  /** Aborts ahead of everything else when the engine stops. */
  readonly stopping: AbortSignal;
  readonly firstFrameMs?: number | undefined;
}

/** The contract has no word for the peer's last one but `closed`: what a caller still says is delivered, for a while. */
const partingMs = 30_000;

/** The contract's `Dial`: unix sockets inside. */
export function dialMethods(options: DialMethodsOptions) {
  return {
    async *dial(requests, context) {
      const frames = requests[Symbol.asyncIterator]();
      const first = await readFirstFrame(frames, options.firstFrameMs ?? firstFrameMs);
      if (first === undefined) {
        yield noFirstFrame;
        return;
      }
      const open = first.done === true ? undefined : first.value.frame?.payload;
      if (open?.case !== "open" || open.value.target.case !== "unixSocketPath") throw notOpen();
      const { sessionId, connectTimeoutMs, target } = open.value;
      const wanted = { unixSocketPath: target.value };
      const call = untilStopping(context.signal, options.stopping);
      try {
        const dialled = await dial(options, sessionId, wanted, connectTimeoutMs, call.signal);
        if (dialled instanceof DialError) {
          yield toDialClosed(dialled);
          return;
        }
        yield toDialOpened(`unix:${target.value}`);
        let hasEnded = false;
        const { signal } = call;
        for await (const event of carryStream(dialled, fromDial(frames), { ...options, signal, partingMs })) {
          if (event.kind === "data") yield toDialData(event.data);
          else if (!hasEnded) yield toDialClosed(event.kind === "closed" ? event.error : undefined);
          hasEnded = event.kind !== "data";
        }
      } finally {
        call.clear();
      }
    },
  } satisfies Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>>;
}

/** Ports inside, which the contract's `Dial` does not know. */
export function dialPortMethods(options: DialMethodsOptions) {
  return {
    async *dialPort(requests: AsyncIterable<DialPortRequest>, context: HandlerContext) {
      const frames = requests[Symbol.asyncIterator]();
      const first = await readFirstFrame(frames, options.firstFrameMs ?? firstFrameMs);
      const open = first === undefined || first.done === true ? undefined : first.value.payload;
      if (open?.case !== "open") throw notOpen();
      const { sessionId, port, connectTimeoutMs } = open.value;
      const call = untilStopping(context.signal, options.stopping);
      try {
        const { signal } = call;
        const dialled = await dial(options, sessionId, { port }, connectTimeoutMs, signal);
        if (dialled instanceof DialError) {
          yield toDialPortClosed(dialled);
          return;
        }
        yield { payload: { case: "opened" as const, value: {} } };
        const { clock } = options;
        for await (const event of carryStream(dialled, fromDialPort(frames), { clock, signal })) {
          yield toDialPortFrame(event);
        }
      } finally {
        call.clear();
      }
    },
  } satisfies ServiceImpl<typeof DialService>;
}

/** What could not be reached is an answer, and no failure of the call. */
async function dial(
  { connections }: DialMethodsOptions,
  sessionId: string,
  target: DialTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<GuestStream | DialError> {
  try {
    return await connections.dial(sessionId, target, { timeoutMs }, signal);
  } catch (error) {
    if (error instanceof DialError) return error;
    throw error;
  }
}

async function* fromDial(
  frames: AsyncIterator<SandboxSessionDataPlaneServiceDialRequest>,
): AsyncGenerator<DialUp, void, undefined> {
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    yield fromDialFrame(next.value.frame?.payload ?? { case: undefined });
  }
}

async function* fromDialPort(
  frames: AsyncIterator<DialPortRequest>,
): AsyncGenerator<DialUp, void, undefined> {
  for (let next = await frames.next(); next.done !== true; next = await frames.next()) {
    yield fromDialFrame(next.value.payload);
  }
}

const notOpen = (): TenkiError => new TenkiError("invalid_argument", "the first frame has to be `open`");

const noFirstFrame = {
  frame: {
    payload: {
      case: "closed" as const,
      value: {
        reason: DialClosed_Reason.CAPABILITY_UNAVAILABLE,
        detail: "first_frame_timeout: nothing was said about what to connect to",
      },
    },
  },
};
