import type { Client, Session, Snapshot } from "../src/client/index.js";

/** A session that is written to, and a snapshot of it. */
export interface SnapshotPeer {
  readonly session: Session;
  readonly snapshotId: string;
  close(): Promise<void>;
}

/** Writes to a file without a pause, for so many seconds, and says how many milliseconds lay between two writes at most. */
const writer = `
import os, sys, time
out = os.open("written", os.O_CREAT | os.O_WRONLY)
print("begun", flush=True)
began = last = time.monotonic()
longest = 0
while time.monotonic() - began < float(sys.argv[1]):
    os.pwrite(out, b"x" * 4096, 0)
    now = time.monotonic()
    longest = max(longest, now - last)
    last = now
print(longest * 1000)
`;

export async function startSnapshotPeer(client: Client): Promise<SnapshotPeer> {
  const session = await client.create();
  await session.writeFile("writer.py", writer);
  await session.exec("sh", { args: ["-c", "head -c 1G /dev/urandom > data && sync"], timeoutMs: 120_000 });
  const { id: snapshotId } = await client.createSnapshot(session.id);
  await client.snapshots.waitDurable(snapshotId);
  return {
    session,
    snapshotId,
    async close() {
      await client.deleteSnapshot(snapshotId);
      await session.close();
    },
  };
}

/** A session made of the snapshot, till commands would run in it. */
export async function timeRestore(client: Client, { snapshotId }: SnapshotPeer): Promise<number> {
  const start = performance.now();
  const session = await client.create({ snapshotId });
  const ms = performance.now() - start;
  await session.close();
  return ms;
}

export async function timeFork({ session }: SnapshotPeer): Promise<number> {
  const start = performance.now();
  const forked = await session.fork();
  const ms = performance.now() - start;
  await forked.close();
  return ms;
}

const writeSeconds = 2;

/** By the writer's own clock. */
export async function writersGap(client: Client, { session }: SnapshotPeer): Promise<number> {
  const running = await session.start(["python3", "writer.py", String(writeSeconds)]);
  let said = "";
  let taken: Promise<Snapshot> | undefined;
  for await (const { data } of running.output) {
    said += Buffer.from(data).toString();
    taken ??= client.createSnapshot(session.id); // it has begun
  }
  await running.exit;
  if (taken !== undefined) await client.deleteSnapshot((await taken).id);
  return Number(said.trim().split("\n").at(-1));
}
