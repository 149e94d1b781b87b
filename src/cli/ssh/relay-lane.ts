import { SandboxError, type SSHLane } from "../../client/index.js";
import type { Io } from "../io.js";
import { startRelay } from "../start-relay.js";
import { atMost } from "./relay.js";

/** How long the engine may take to say why it is over: of a refused login it may hear later than ssh. */
const lastWordsMs = 1_000;

/**
 * As `relay`, over the engine's own socket: a process carries what ssh says and hears, and the engine tells how it ends.
 * False where no socket to the server came: nothing was read or written then, and the gateway is the other way.
 */
export async function relayLane(lane: SSHLane, io: Io): Promise<boolean> {
  const wire = startRelay(io, ["wire", "carry"], lane.socket, io.descriptors?.slice(0, 2) ?? []);
  let hangUp: (() => void) | undefined;
  const hungUp = new Promise<undefined>((resolve) => (hangUp = () => resolve(undefined)));
  const heedNoMore = io.onSignal("SIGHUP", () => hangUp?.()); // ssh's way to go
  try {
    const carried = wire?.go({ kind: 0, left: 0 });
    if ((await wire?.ready()) !== true) return false;
    const told = lane.end();
    const end = await Promise.race([carried, told.then(() => carried), hungUp]);
    if (end === undefined || end.why === "target_closed") await atMost(lastWordsMs, told);
    else if (end.why === "source_ended") await Promise.race([told, passed(lastWordsMs)]);
    else throw new SandboxError("unavailable", "the ssh connection could not be carried");
    return true;
  } finally {
    heedNoMore();
    wire?.stop();
    lane.terminate();
  }
}

const passed = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());
