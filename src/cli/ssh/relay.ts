import type { SSHConnection } from "../../client/index.js";
import { StreamClosedError } from "../../client/index.js";
import type { InputStream, OutputStream } from "../io.js";
import { OutputClosedError, writeBytes } from "../output/write.js";

/** How long the server is listened to once ssh has said its last. */
export const farewellMs = 5_000;

/**
 * Passes bytes both ways until the server ends the connection, or ssh does: each side is read no faster than the
 * other one takes it.
 */
export async function relay(
  connection: SSHConnection,
  { stdin, stdout }: { readonly stdin: InputStream; readonly stdout: OutputStream },
): Promise<void> {
  const down = passDown(connection, stdout);
  const up = passUp(stdin, connection).then(() => connection.close());
  try {
    await Promise.race([down, up.then(() => atMost(farewellMs, down))]);
  } finally {
    connection.terminate();
    stdin.destroy(); // it would hold the process until ssh closes it
  }
}

async function passUp(stdin: InputStream, connection: SSHConnection): Promise<void> {
  try {
    for await (const chunk of stdin) await connection.write(chunk as Uint8Array);
  } catch (error) {
    if (!(error instanceof StreamClosedError)) return; // what ssh has left has ended
    await new Promise<never>(() => undefined); // the other direction knows how it ended
  }
}

async function passDown(connection: SSHConnection, stdout: OutputStream): Promise<void> {
  try {
    for (let data = await connection.read(); data !== null; data = await connection.read())
      await writeBytes(stdout, data);
  } catch (error) {
    if (!(error instanceof OutputClosedError)) throw error; // else ssh has gone
  }
}

/** Whatever becomes of the action. */
export async function atMost(ms: number, action: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([action.catch(() => undefined), over]);
  clearTimeout(timer);
}
