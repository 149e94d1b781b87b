import type { Socket } from "node:net";
import type { CommandExit } from "../../../domain/command.js";
import { laneFrames } from "../../../domain/run-lane.js";
import { BurstMeter } from "../../../lib/burst-meter.js";
import type { RelayProcess } from "../../../lib/relay-process.js";
import { nameSignal } from "../../../lib/signals.js";
import type { BurstEvent, GuestEvent, ProcessEvent } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";
import type { Frame } from "./frame-reader.js";
import { malformed, PayloadReader } from "./payload.js";
import { down } from "./protocol.js";

/** What a command does, until its exit. */
export async function* readEvents(connection: GuestConnection): AsyncGenerator<GuestEvent, void, undefined> {
  for (;;) {
    const event = toEvent(await connection.next());
    yield event;
    if (event.kind === "exit") return;
  }
}

/** The same; where output comes thick, the process that `start` starts may pass it on. Undefined: there is none. */
export async function* readEventsAndBursts(
  connection: GuestConnection,
  start: (from: Socket) => RelayProcess | undefined,
): AsyncGenerator<ProcessEvent, void, undefined> {
  const meter = new BurstMeter();
  let relay: RelayProcess | undefined;
  for (;;) {
    const frame = relay === undefined ? await connection.next() : connection.reader.received();
    if (frame === undefined) {
      if (relay !== undefined) yield* passBurst(connection, relay);
      relay = undefined;
      continue;
    }
    const event = toEvent(frame);
    yield event;
    if (event.kind === "exit") return;
    if (relay === undefined && isOutput(event) && meter.add(event.data.length))
      relay = connection.reader.handOver(start);
  }
}

/** What was received has been handed out; returns when it is our turn again. */
async function* passBurst(
  connection: GuestConnection,
  relay: RelayProcess,
): AsyncGenerator<BurstEvent, void, undefined> {
  const { open } = connection.reader;
  if (open === undefined) {
    relay.stop(); // a frame of another kind is half there
    return;
  }
  yield {
    kind: "burst",
    async pass() {
      const kind = open.type === down.stderr ? laneFrames.stderr : laneFrames.data;
      const { why } = await relay.go({ kind, left: open.left });
      if (why === "not_started") return true;
      connection.reader.closeFrame();
      return why === "boundary" || why === "source_ended";
    },
  };
  await relay.over;
}

const isOutput = (event: GuestEvent): event is Extract<GuestEvent, { kind: "stdout" | "stderr" }> =>
  event.kind === "stdout" || event.kind === "stderr";

function toEvent(frame: Frame): GuestEvent {
  switch (frame.type) {
    case down.stdout:
      return { kind: "stdout", data: frame.payload };
    case down.stderr:
      return { kind: "stderr", data: frame.payload };
    case down.stdinTaken: {
      const reader = new PayloadReader(frame.payload);
      const bytes = reader.u32();
      reader.finish();
      return { kind: "stdin_taken", bytes };
    }
    case down.exit:
      return { kind: "exit", exit: toExit(new PayloadReader(frame.payload)) };
    default:
      throw malformed("the wrong kind of frame");
  }
}

function toExit(reader: PayloadReader): CommandExit {
  const code = reader.u32();
  const signalNumber = reader.u32();
  const timedOut = reader.u8() !== 0;
  const durationMs = reader.u64();
  reader.finish();
  if (code > 255 || signalNumber > 127) throw malformed("an exit that cannot be");
  const signal = signalNumber === 0 ? undefined : nameSignal(signalNumber);
  const reason = timedOut ? "timeout" : signal === undefined ? "exit" : "signaled";
  // As shells do, so that a caller who looks at the code alone sees a failure.
  const exitCode = signalNumber === 0 ? code : 128 + signalNumber;
  return { exitCode, ...(signal === undefined ? {} : { signal }), timedOut, durationMs, reason };
}
