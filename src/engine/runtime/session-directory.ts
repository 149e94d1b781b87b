import { join } from "node:path";

/** Where a sandbox's own files lie on the host; all of it for the engine's eyes only. */
export interface SessionDirectory {
  readonly path: string;
  /** What the OCI runtime is started with: config.json lies here. */
  readonly bundle: string;
  /** Empty for everybody but the runtime that is starting: the layers are mounted in a namespace of its own. */
  readonly root: string;
  readonly socket: string;
  readonly runtimeLog: string;
  readonly pidFile: string;
  /** Pid 1 as we saw it start: its pid on the host, its start time, and the boot that it belongs to. */
  readonly identity: string;
}

export const sessionsDirectory = (dataDir: string): string => join(dataDir, "sessions");

export function sessionDirectory(dataDir: string, sessionId: string): SessionDirectory {
  const path = join(sessionsDirectory(dataDir), sessionId);
  return {
    path,
    bundle: path,
    root: join(path, "root"),
    socket: join(path, "guest.sock"),
    runtimeLog: join(path, "runtime.log"),
    pidFile: join(path, "pid"),
    identity: join(path, "init.json"),
  };
}
