import { readdirSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../../src/lib/wait-until.js";
import { type EngineStarted, Workbench } from "./tenki.js";

export interface ShownSnapshot {
  readonly id: string;
  readonly name: string | null;
  readonly state: string;
  readonly type: string;
  readonly durability: string;
  readonly session_id: string;
  readonly size_bytes: number;
  readonly expires_at: string | null;
}

export interface ShownSession {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly cpu_cores: number;
  readonly memory_mb: number;
  readonly pause_snapshot_id: string | null;
  readonly source_snapshot_id: string | null;
}

/** What tests of snapshots say to the command line. */
export class SnapshotBench {
  readonly tenki: Workbench;
  engine: EngineStarted | undefined;
  pid = 0;

  private constructor(tenki: Workbench) {
    this.tenki = tenki;
  }

  static async open(): Promise<SnapshotBench> {
    return SnapshotBench.on(await Workbench.open());
  }

  static async on(tenki: Workbench): Promise<SnapshotBench> {
    const bench = new SnapshotBench(tenki);
    await bench.start();
    return bench;
  }

  async start(): Promise<void> {
    this.engine = await this.tenki.startEngine();
    this.pid = this.engine.pid;
  }

  session(name: string, ...flags: string[]): Promise<ShownSession> {
    return this.tenki.json(["sandbox", "create", "--name", name, ...flags]);
  }

  snapshot(...words: string[]): Promise<ShownSnapshot> {
    return this.tenki.json(["sandbox", "snapshot", ...words]);
  }

  list(...words: string[]): Promise<ShownSnapshot[]> {
    return this.tenki.json(["sandbox", "snapshot", "list", ...words]);
  }

  restore(snapshot: string, name: string): Promise<ShownSession> {
    return this.tenki.json(["sandbox", "snapshot", "restore", snapshot, "--name", name]);
  }

  shell(session: string, line: string): Promise<string> {
    return this.tenki.ok(["sandbox", "exec", "--session", session, "-q", "-c", line]);
  }

  async end(...sessions: string[]): Promise<void> {
    await this.tenki.ok(["sandbox", "terminate", ...sessions, "--yes"]);
  }

  /** What lies on this machine for snapshots and volumes, and for the disks of sessions that are not only kept ready. */
  left(kind: "snapshots" | "disks" | "volumes" | "exports"): string[] {
    return ["", "pool"].flatMap((root) => {
      try {
        return readdirSync(join(this.tenki.dataDir, root, kind));
      } catch {
        return [];
      }
    });
  }

  /** Until a line in the session says what is expected. */
  async until(session: string, line: string, expected: RegExp): Promise<void> {
    let last = "";
    const seen = await waitUntil(
      async () => {
        last = await this.shell(session, line).catch(String);
        return expected.test(last) ? true : undefined;
      },
      { timeoutMs: 30_000 },
    );
    if (seen !== true) throw new Error(`it never said ${expected.source}: ${last}`);
  }
}
