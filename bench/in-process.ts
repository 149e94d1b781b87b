import type { Client, Session } from "../src/client/index.js";

/** A session made, till commands would run in it. */
export async function timeCreate(client: Client): Promise<number> {
  const start = performance.now();
  const session = await client.create();
  const ms = performance.now() - start;
  await session.close();
  return ms;
}

/** A session made, its first command run and the session terminated, over a connection that is there. */
export async function timeLibraryCycle(client: Client): Promise<number> {
  const start = performance.now();
  const session = await client.create();
  const result = await session.exec("true");
  await session.close();
  if (result.exitCode !== 0) throw new Error(`true ended with ${result.exitCode}`);
  return performance.now() - start;
}

/** From sending the request to the answer that the command's exec has happened: the wire's part included. */
export async function timeSpawn(session: Session): Promise<number> {
  const start = performance.now();
  const command = await session.start(["true"]);
  const ms = performance.now() - start;
  for await (const output of command.output) void output;
  await command.exit;
  return ms;
}
