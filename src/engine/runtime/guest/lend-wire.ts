import { TenkiError } from "../../../domain/error.js";
import { isPlainSocket, RelayProcess } from "../../../lib/relay-process.js";
import type { Wire } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";

/**
 * Has a process ask the guest for a socket and send it out by the wire: descriptors are nothing that Node could receive or
 * send. Given up at once when the signal aborts.
 */
export async function lendWire(
  connection: GuestConnection,
  { from, invite }: Wire,
  { program, signal }: { readonly program: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  if (program === undefined || !isPlainSocket(from)) throw noWire();
  await connection.opened(); // or Node would begin to read it later, and drop a descriptor
  const lender = connection.lend((guest) => RelayProcess.start([program, "wire", "lend"], from, [guest]));
  if (lender?.hasStarted !== true) throw noWire();
  const giveUp = () => lender.stop(); // who is invited may be long in coming
  signal.addEventListener("abort", giveUp, { once: true });
  invite();
  const end = await lender.go({ kind: 0, left: 0 });
  signal.removeEventListener("abort", giveUp);
  from.resume();
  if (end.why !== "boundary") throw noWire();
}

const noWire = (): TenkiError => new TenkiError("unavailable", "no socket for the connection can be had");
