import { join } from "node:path";
import { engineFiles, type EngineState } from "../domain/engine-state.js";
import { FileLogger } from "../lib/file-logger.js";
import type { Logger } from "../lib/logger.js";
import { readProcessIdentity } from "../lib/process-identity.js";
import { unmakeDirectories } from "../lib/make-directory.js";
import { asDiskError, requireFreeSpace } from "./disks/disk-space.js";
import { OpensshKeys } from "./openssh/openssh-keys.js";
import { Engine } from "./engine.js";
import { clearDataDir } from "./instance/clear-data-dir.js";
import { openDataDir } from "./instance/data-dir.js";
import { localSocket } from "./instance/local-socket.js";
import { lockInstance } from "./instance/instance-lock.js";
import { ReadyLine } from "./instance/ready-line.js";
import { removeState, writeState } from "./instance/state-file.js";
import { settleToken } from "./instance/token-file.js";
import { createIsolation, defaultIsolation } from "./isolation.js";
import { DiskOutputLogs } from "./outputs/disk-output-logs.js";
import { openSqliteStore } from "./store/sqlite-store.js";

/** What `engine start` may say. */
export interface EngineOptions {
  readonly dataDir: string;
  /** The product's version, as `engine status` shows it. */
  readonly version: string;
  /** The program that is pid 1 in every sandbox. */
  readonly guestBinary: string;
  /** `host:port`; port 0 picks one. Default 127.0.0.1:8365. */
  readonly listen?: string | undefined;
  /** Serve other machines without TLS. Default false: refused. */
  readonly insecureListen?: boolean | undefined;
  /** PEM files; both or neither. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** What clients are told to connect to, where that is not what they connected to. */
  readonly publicUrl?: string | undefined;
  /** Exposed ports have names below it. Default: ports of loopback only. */
  readonly previewDomain?: string | undefined;
  /** Holds the token. Default: one is made, and kept in the data directory. */
  readonly tokenFile?: string | undefined;
  /** `container` (default) or `process`, which is no boundary at all. */
  readonly isolation?: string | undefined;
  /** A path or a name. Default: the first that works here. */
  readonly ociRuntime?: string | undefined;
  /** Where sandboxes look names up. Default: the host's own. */
  readonly dnsServers?: readonly string[] | undefined;
  /** `ready`, or the failure as JSON (kind, message, hint), is written there as one line. */
  readonly readyDescriptor?: number | undefined;
}

export interface EngineHooks {
  /** For the person in front of it: warnings, nothing else. */
  readonly stderr: (text: string) => void;
}

/** Serves until SIGTERM or SIGINT, and leaves the sessions running. A failure to start is thrown. */
export async function runEngine(options: EngineOptions, hooks: EngineHooks): Promise<number> {
  const readyLine = new ReadyLine(options.readyDescriptor);
  const undo: (() => unknown)[] = [];
  let asked = options.dataDir;
  let served = false;
  try {
    const stopped = untilSignalled();
    const { path: dataDir, instanceId, made } = openDataDir(asked, process.getuid?.() ?? 0);
    asked = dataDir;
    undo.push(() => served || unmakeDirectories(made));
    const lock = lockInstance(dataDir);
    undo.push(() => lock.release());
    undo.push(() => served || !lock.isFirst || clearDataDir(dataDir));
    if (lock.isFirst) await requireFreeSpace(dataDir);
    const log = new FileLogger({ path: join(dataDir, engineFiles.log) });
    undo.push(() => log.close());
    process.on("uncaughtException", (error) => endBy(error, log));
    const token = await settleToken(dataDir, options.tokenFile);
    const store = openSqliteStore(join(dataDir, engineFiles.record));
    undo.push(() => store.close());
    const kind = options.isolation ?? defaultIsolation;
    const isolation = await createIsolation(kind, { ...options, dataDir, instanceId, log });
    for (const warning of isolation.warnings) hooks.stderr(`warning: ${warning}\n`);
    const outputs = new DiskOutputLogs(dataDir);
    const sshKeys = new OpensshKeys({ dataDir });
    const socketPath = localSocket(dataDir, token);
    const engine = await Engine.start({
      ...options,
      socketPath,
      token,
      isolation,
      store,
      outputs,
      sshKeys,
      log,
    });
    undo.push(() => engine.stop());
    await writeState(describe(engine.url, dataDir, kind, options.version));
    undo.push(() => removeState(dataDir));
    log.info("the engine serves", { endpoint: engine.url, version: options.version, isolation: kind });
    served = true;
    readyLine.ready();
    const signal = await stopped;
    log.info("the engine stops", { signal });
    return 0;
  } catch (cause) {
    const error = asDiskError(cause, asked);
    readyLine.failed(error);
    throw error;
  } finally {
    await undoAll(undo);
  }
}

/** The last first; one that fails keeps none of the others from being tried. */
async function undoAll(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.toReversed()) {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function describe(endpoint: string, dataDir: string, isolation: string, version: string): EngineState {
  const { pid } = process;
  const pidStartTicks = readProcessIdentity(pid)?.startTicks ?? "";
  return { endpoint, pid, pidStartTicks, version, dataDir, isolation };
}

const stopSignals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** The first is what counts; those that follow do not end the engine in the middle of stopping. */
const untilSignalled = (): Promise<string> =>
  new Promise((resolve) => {
    for (const signal of stopSignals) process.on(signal, () => resolve(signal));
  });

/** Sandboxes do not depend on this process: the next engine finds them. */
function endBy(error: Error, log: Logger): never {
  log.error("the engine ends by an error that nobody expected", { stack: error.stack ?? error.message });
  process.exit(1);
}
