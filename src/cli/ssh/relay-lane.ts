import { SandboxError, type SSHLane } from "../../client/index.js";
import { startRelay } from "../start-relay.js";
import type { Io } from "../io.js";
import { farewellMs } from "./relay.js";

/** As `relay`, over the engine's own socket: a process carries what ssh says and hears, and the engine tells how it ends. */
export async function relayLane(lane: SSHLane, io: Io): Promise<void> {
  const told = lane.end();
  told.catch(() => undefined); // it is asked for below, if at all
  const wire = startRelay(io, ["wire", "carry"], lane.socket, io.descriptors?.slice(0, 2) ?? []);
  lane.socket.resume(); // who was given it only sends by it
  try {
    const carried = wire?.go({ kind: 0, left: 0 });
    const end = await Promise.race([carried, told.then(() => carried)]);
    if (end?.why === "target_closed") return; // ssh has gone
    if (end?.why !== "source_ended")
      throw new SandboxError("unavailable", "the ssh connection could not be carried");
    await Promise.race([told, passed(farewellMs)]);
  } finally {
    wire?.stop();
    lane.terminate();
  }
}

const passed = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());
