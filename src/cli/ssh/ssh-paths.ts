import { join } from "node:path";
import { configDirectory } from "../config/config-file.js";
import type { Io } from "../io.js";

/** Where everything that SSH needs lies on this side. */
export interface SshPaths {
  /** The key that is made when the first one is needed. */
  readonly key: string;
  /** One directory for each session, by its id; links to them by the names that ssh knows them by. */
  readonly sessions: string;
  /** What the user's ssh config includes. */
  readonly config: string;
}

export function sshPaths(io: Pick<Io, "env" | "homeDirectory">): SshPaths {
  const base = configDirectory(io);
  return {
    key: join(base, "ssh", "id_ed25519"),
    sessions: join(base, "ssh-certs"),
    config: join(base, "ssh", "config"),
  };
}

/** For the key of this command line, as OpenSSH names it. */
export const ownCertificate = "id_ed25519-cert.pub";
export const passName = "pass";

/** What is kept of one session. */
export interface SessionFiles {
  readonly certificate: string;
  readonly knownHosts: string;
  /** The gateway's address, as the service named it. */
  readonly gateway: string;
  /** What lets the next one in who comes by the engine's socket. */
  readonly pass: string;
}

/** `certificate`: its file's name, which tells the key that it is for. */
export function sessionFiles({ sessions }: SshPaths, sessionId: string, certificate: string): SessionFiles {
  const directory = join(sessions, sessionId);
  return {
    certificate: join(directory, certificate),
    knownHosts: join(directory, "known_hosts"),
    gateway: join(directory, "gateway"),
    pass: join(directory, passName),
  };
}
