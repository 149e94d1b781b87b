import { Client, type Session } from "../src/client/index.js";
import type { TenkiPeer } from "./tenki.js";

let shared: Client | undefined;
let warm: Session | undefined;

const connect = (peer: TenkiPeer): Client =>
  (shared ??= new Client({ baseUrl: peer.endpoint, authToken: peer.token }));

/** A session made, its first command run and the session terminated, over a connection that is there. */
export async function timeLibraryCycle(peer: TenkiPeer): Promise<number> {
  const start = performance.now();
  const session = await connect(peer).create();
  const result = await session.exec("true");
  await session.close();
  if (result.exitCode !== 0) throw new Error(`true ended with ${result.exitCode}`);
  return performance.now() - start;
}

/** From sending the request to the answer that the command's exec has happened: the wire's part included. */
export async function timeSpawnInEngine(peer: TenkiPeer): Promise<number> {
  if (warm === undefined) {
    const sessions = await connect(peer).list();
    warm = sessions.find((session) => session.info.name === "bench") ?? (await connect(peer).create());
    await warm.exec("true");
  }
  const start = performance.now();
  const command = await warm.start(["true"]);
  const ms = performance.now() - start;
  for await (const output of command.output) void output;
  await command.exit;
  return ms;
}
