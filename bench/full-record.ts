import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { Client } from "../src/client/index.js";
import { SqliteDatabase } from "../src/engine/store/sqlite-database.js";
import { SqliteStore } from "../src/engine/store/sqlite-store.js";
import { startTenki } from "./tenki.js";

/** An engine whose record knows many sessions. */
export interface FullRecord {
  readonly client: Client;
  close(): Promise<void>;
}

/** Copies the record of a session that was, so that what is listed has all that a real one has. */
export async function fillRecord(count: number): Promise<FullRecord> {
  const peer = await startTenki();
  const client = new Client({ baseUrl: peer.endpoint, authToken: peer.token });
  const session = await client.create({ name: "bench", tags: ["bench", "list"], metadata: { of: "bench" } });
  await session.close();
  const database = SqliteDatabase.open(join(peer.dataDir, "record.db"));
  database.run("PRAGMA synchronous = OFF", {}); // nobody minds if a power cut takes these
  const store = new SqliteStore(database);
  const record = store.getSession(session.id);
  if (record === undefined) throw new Error(`the record does not know ${session.id}`);
  for (let made = 1; made < count; made += 1) {
    const createdAt = new Date(record.createdAt.getTime() - made * 1_000);
    store.insertSession({ ...record, id: randomUUID(), name: `bench-${made}`, createdAt });
  }
  store.close();
  return {
    client,
    async close() {
      client.close();
      await peer.close();
    },
  };
}
