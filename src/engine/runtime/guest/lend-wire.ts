import { TenkiError } from "../../../domain/error.js";
import { isPlainSocket, RelayProcess } from "../../../lib/relay-process.js";
import type { Wire } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";

/** Has a process ask the guest for a socket and send it out by the wire: descriptors are nothing that Node could receive or send. */
export async function lendWire(
  connection: GuestConnection,
  { from, invite }: Wire,
  program: string | undefined,
): Promise<void> {
  if (program === undefined || !isPlainSocket(from)) throw noWire();
  await connection.opened(); // or Node would begin to read it later, and drop a descriptor
  const lender = connection.lend((guest) => RelayProcess.start([program, "wire", "lend"], from, [guest]));
  if (lender?.hasStarted !== true) throw noWire();
  invite();
  const end = await lender.go({ kind: 0, left: 0 });
  from.resume();
  if (end.why !== "boundary") throw noWire();
}

const noWire = (): TenkiError => new TenkiError("unavailable", "no socket for the connection can be had");
