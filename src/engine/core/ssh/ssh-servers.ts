import { TenkiError } from "../../../domain/error.js";
import { commandEnvironment } from "../commands/command-environment.js";
import { callGuest, explainedProcess } from "../commands/guest-calls.js";
import type { GuestProcess, Runtime, SshServerProgram, Wire } from "../ports/runtime.js";
import type { SshKeys } from "../ports/ssh-keys.js";
import type { SessionRecord } from "../ports/store.js";
import type { Sessions } from "../sessions/sessions.js";
import type { Certificates } from "./certificates.js";
import { principalsPath, serverConfigPath, serverFiles } from "./server-files.js";

export interface SshServersOptions {
  readonly sessions: Sessions;
  readonly runtime: Runtime;
  readonly keys: SshKeys;
  readonly certificates: Certificates;
}

/** Who wants to log in where. */
export interface SshClient {
  readonly sessionId: string;
  /** What certificates bound to addresses are held against. Undefined: those are refused. */
  readonly clientAddress: string | undefined;
  /** Default: its bytes come and go as the process's input and output. */
  readonly wire?: Wire | undefined;
}

/** The OpenSSH servers inside: one process for each connection, which is its input and output. */
export class SshServers {
  readonly #options: SshServersOptions;

  constructor(options: SshServersOptions) {
    this.#options = options;
  }

  /** `failed_precondition`, with the reason, where no session here has one. */
  requireServer(): SshServerProgram {
    return this.#options.runtime.sshServer();
  }

  /** By which a session's server shows who it is. */
  async hostKeys(sessionId: string): Promise<readonly string[]> {
    this.requireServer();
    return [(await this.#hostKey(sessionId)).publicKey];
  }

  /** Starts a server for one connection. The session is busy while its output is read. */
  async connect(client: SshClient, signal: AbortSignal): Promise<GuestProcess> {
    const { sessions } = this.#options;
    const { sessionId } = client;
    const program = this.requireServer();
    const process = await callGuest(sessions, sessionId, (session) =>
      this.#start(session, { ...client, program }, signal),
    );
    return explainedProcess(sessions, sessionId, process);
  }

  async #start(
    session: SessionRecord,
    { program, clientAddress, wire }: Omit<SshClient, "sessionId"> & { program: SshServerProgram },
    signal: AbortSignal,
  ): Promise<GuestProcess> {
    const { sessions, runtime, certificates } = this.#options;
    const [secrets, hostKey, authorities] = await Promise.all([
      sessions.secrets.of(session, signal),
      this.#hostKey(session.id),
      certificates.trusted(),
    ]);
    const files = serverFiles({
      sessionId: session.id,
      clientAddress,
      hostPrivateKey: hostKey.privateKey,
      authorities,
      authorizedKeys: session.sshAuthorizedKeys,
      environment: { PATH: everywhere["PATH"] ?? "", ...session.env, ...secrets },
      settings: program.settings,
    });
    await runtime.place(session.id, files, signal);
    const principals = `AuthorizedPrincipalsFile=${principalsPath({ clientAddress })}`;
    const argv = [...program.argv, "-i", "-e", "-f", serverConfigPath, "-o", principals];
    const command = { argv, cwd: "/", env: everywhere, privileged: true, letGo: true, timeoutMs: 0, wire };
    const spawned = await runtime.spawn(session.id, command, signal);
    if (spawned.started) return spawned.process;
    throw new TenkiError(
      "unavailable",
      `the ssh server of the session did not start: ${spawned.exit.reason}`,
    );
  }

  #hostKey(sessionId: string) {
    const { sessions, keys } = this.#options;
    return sessions.ssh.hostKey(sessionId, () => keys.makePair());
  }
}

const everywhere = commandEnvironment({}, {}, { privileged: true, terminal: false });
