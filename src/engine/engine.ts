import { join } from "node:path";
import { defaultEnginePort, engineFiles } from "../domain/engine-state.js";
import type { Logger } from "../lib/logger.js";
import { systemClock } from "./clock/system-clock.js";
import { Access } from "./core/access.js";
import { Commands } from "./core/commands.js";
import { Credentials } from "./core/credentials.js";
import { Files } from "./core/files.js";
import { Reaper } from "./core/reaper.js";
import { Sessions } from "./core/sessions.js";
import type { Isolation } from "./isolation.js";
import { readTls, type TlsFiles } from "./instance/tls-files.js";
import { parseListenAddress } from "./server/listen-address.js";
import { type RunningServer, startServer } from "./server/server.js";
import { DataPlaneAccess } from "./services/data-plane-access.js";
import { createServices } from "./services/services.js";
import { openSqliteStore } from "./store/sqlite-store.js";

export interface ServeOptions extends TlsFiles {
  readonly dataDir: string;
  readonly token: string;
  readonly isolation: Isolation;
  readonly listen?: string | undefined;
  readonly insecureListen?: boolean | undefined;
  readonly publicUrl?: string | undefined;
  readonly log: Logger;
}

export interface ServingEngine {
  readonly url: string;
  /** Stops serving; sandboxes run on. */
  stop(): Promise<void>;
}

/** Puts record, rules and adapters together, finds what an earlier engine left, and serves. */
export async function serveEngine(options: ServeOptions): Promise<ServingEngine> {
  const { isolation, log } = options;
  const tls = readTls(options);
  const store = openSqliteStore(join(options.dataDir, engineFiles.record));
  const access = new Access(store, options.token);
  const sessions = new Sessions({ store, parts: isolation, clock: systemClock, access, log });
  const reaper = new Reaper(sessions, systemClock);
  let server: RunningServer | undefined;
  async function stop(): Promise<void> {
    await server?.stop();
    reaper.stop();
    await sessions.close();
    await isolation.close({ sessionsLeft: sessions.countLive() > 0 });
    store.close();
  }
  try {
    await sessions.recover();
    await isolation.images.resolve("");
    await reaper.tick();
    const credentials = new Credentials(store, systemClock);
    server = await startServer({
      listen: {
        ...parseListenAddress(options.listen ?? `127.0.0.1:${defaultEnginePort}`),
        insecure: options.insecureListen,
        tls,
      },
      auth: {
        checkToken: (token) => access.checkToken(token),
        verifyCredential: (credential) => credentials.verify(credential),
      },
      services: createServices({
        access,
        sessions,
        commands: new Commands(sessions, isolation.runtime),
        files: new Files(sessions, isolation.runtime),
        images: isolation.images,
        dataPlane: new DataPlaneAccess(credentials, options.publicUrl),
      }),
      upgrades: [],
      log,
    });
    return { url: server.url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
