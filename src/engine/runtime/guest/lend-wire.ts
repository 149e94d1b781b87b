import { TenkiError } from "../../../domain/error.js";
import { isPlainSocket, RelayProcess } from "../../../lib/relay-process.js";
import type { Wire } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";

/** Has a process give the guest the socket that comes by the wire: descriptors are nothing that Node could receive or send. */
export async function lendWire(
  connection: GuestConnection,
  { from, invite }: Wire,
  program: string | undefined,
): Promise<void> {
  if (program === undefined || !isPlainSocket(from))
    throw new TenkiError("unavailable", "no wire can be had here");
  invite();
  // In the same turn of the event loop: Node would read what comes, and drop the descriptor with it.
  const lender = connection.lend((guest) => RelayProcess.start([program, "wire", "lend"], from, [guest]));
  const end = await lender?.go({ kind: 0, left: 0 });
  from.resume();
  if (end?.why !== "boundary")
    throw new TenkiError("cancelled", "the caller sent no socket for the connection");
}
