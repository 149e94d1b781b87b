import { Client } from "../../../src/client/index.js";

/** What `ssh` runs as its ProxyCommand: the library's own way to a session, on stdin and stdout. */
const client = new Client();
const connection = await client.ssh(process.argv[2] ?? "");

async function send(): Promise<void> {
  for await (const data of process.stdin) await connection.write(data as Buffer);
  connection.close();
}
send().catch(() => connection.close());

for (let data = await connection.read(); data !== null; data = await connection.read()) {
  if (!process.stdout.write(data)) await new Promise((resolve) => process.stdout.once("drain", resolve));
}
process.exit(0);
