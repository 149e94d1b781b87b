import { isAbsolute, join } from "node:path";
import type { Client, Session } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import { ConfigFile, configDirectory } from "./config/config-file.js";
import { CredentialFiles } from "./config/credential-files.js";
import type { Interrupts } from "./interrupts.js";
import type { Io } from "./io.js";
import { noProgress, type Progress } from "./output/progress.js";
import { printable } from "./output/printable.js";
import { writeBytes } from "./output/write.js";
import { firstFilled, resolveSettings, type Settings } from "./settings.js";

export type OutputMode = "text" | "json" | "yaml";

/** What every command takes besides its own flags. */
export interface CommonOptions {
  readonly endpoint?: string | undefined;
  readonly workspace?: string | undefined;
  readonly project?: string | undefined;
  /** How long one call may take. */
  readonly timeoutMs?: number | undefined;
  readonly output: OutputMode;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** False: never ask. */
  readonly input: boolean;
  readonly color: boolean | undefined;
}

/** What a command works with; each part is made when it is first asked for, and closed after the command. */
export class Context {
  readonly io: Io;
  readonly common: CommonOptions;
  readonly config: ConfigFile;
  readonly #interrupts: Interrupts;
  #settings: Promise<Settings> | undefined;
  #client: Promise<Client> | undefined;
  #progress: Progress = noProgress;
  /** No session was named: it is the saved one. */
  #usesSavedSession = false;
  /** As it was named, where one was. */
  #session: string | undefined;
  #gateway: string | undefined;

  constructor(io: Io, common: CommonOptions, interrupts: Interrupts) {
    this.io = io;
    this.common = common;
    this.#interrupts = interrupts;
    this.config = new ConfigFile(join(configDirectory(io), "config.yaml"));
  }

  /** Aborts at Ctrl-C, SIGTERM and SIGHUP. */
  get signal(): AbortSignal {
    return this.#interrupts.signal;
  }

  /** Somebody can be asked. */
  get interactive(): boolean {
    return this.common.input && this.io.stdin.isTTY === true && this.io.stderr.isTTY === true;
  }

  /** What `--gateway` says, before anything else is asked of this. */
  useGateway(gateway: string | undefined): void {
    this.#gateway = gateway;
  }

  /** Flag, environment, file, default; `local` is resolved to the engine of this machine. */
  settings(): Promise<Settings> {
    this.#settings ??= resolveSettings(this.io, this.config, {
      ...this.common,
      gateway: this.#gateway,
    });
    return this.#settings;
  }

  client(): Promise<Client> {
    this.#client ??= this.settings().then((settings) => this.connect(settings));
    return this.#client;
  }

  /** A client of its own for other settings than the resolved ones; whoever asks closes it. */
  async connect(settings: Settings): Promise<Client> {
    const { Client } = await import("../client/index.js");
    return new Client({
      authToken: settings.token,
      baseUrl: settings.endpoint,
      gatewayAddress: settings.gateway,
      workspaceId: settings.workspaceId,
      projectId: settings.projectId,
      timeoutMs: this.common.timeoutMs,
      env: {},
      findEndpoint: () => this.#findEndpoint(settings),
      credentials: settings.tokenIsSaved
        ? new CredentialFiles(configDirectory(this.io), settings.endpoint)
        : undefined,
      onRequest: this.common.verbose
        ? (request) => void this.warn(requestLine(request)).catch(() => undefined)
        : undefined,
    });
  }

  /** By id or name; where none is given TENKI_SESSION, then the current one. */
  async session(named: string | undefined): Promise<Session> {
    const { findSession } = await import("./find-session.js");
    return findSession(await this.client(), await this.sessionName(named));
  }

  /** Makes it the current one; that it could not be saved is no failure of what made it. */
  async saveSession(id: string): Promise<void> {
    await this.config.update({ current_session_id: id }).catch((error: unknown) => {
      return this.warn(`warning: the current session was not saved: ${(error as Error).message}`);
    });
  }

  async sessionName(named: string | undefined): Promise<string> {
    return (this.#session = await this.#nameOf(named));
  }

  async #nameOf(named: string | undefined): Promise<string> {
    const asked = firstFilled(named, this.io.env["TENKI_SESSION"]);
    if (asked !== undefined) return asked;
    const saved = firstFilled(await this.config.get("current_session_id"));
    this.#usesSavedSession = saved !== undefined;
    if (saved !== undefined) return saved;
    throw new TenkiError("usage", "no session is named, and there is no current one", {
      hint: "tenki sandbox list, then --session <id|name>; or tenki sandbox create",
    });
  }

  /** A path on this side as it was typed, from wherever it is used; a slash or a dot at its end stays. */
  localPath(path: string): string {
    return isAbsolute(path) ? path : `${this.io.cwd}/${path}`;
  }

  /** A line on stderr, unless `--quiet`. */
  async note(line: string): Promise<void> {
    if (!this.common.quiet) await this.warn(line);
  }

  /** A line on stderr. */
  async warn(line: string): Promise<void> {
    await writeBytes(this.io.stderr, `${printable(line)}\n`);
  }

  /** Shown where stderr is a terminal and neither quiet nor another format is asked for. */
  async progress(label: string): Promise<Progress> {
    const { quiet, output } = this.common;
    if (quiet || output !== "text" || this.io.stderr.isTTY !== true || this.io.env["TERM"] === "dumb")
      return noProgress;
    const { startSpinner } = await import("./output/progress.js");
    this.#progress = await startSpinner(this.io, label);
    return this.#progress;
  }

  /**
   * Puts signals into the command's hands until the result is called. A command that listens to them does so before,
   * and until after: one that comes while nobody listens to its name may be lost.
   */
  takeSignals(): () => void {
    this.#interrupts.release();
    return () => this.#interrupts.listen();
  }

  /** Until the result is called, an interruption aborts, and does not end the command before it has cleared up. */
  holdEnd(): () => void {
    return this.#interrupts.hold();
  }

  stopProgress(): void {
    this.#progress.stop();
  }

  /** What mends an error that does not say so itself, seen from where this command line stands. */
  hintFor(error: TenkiError): string | undefined {
    const { message, state } = error as TenkiError & { readonly state?: string | undefined };
    if (state === "PAUSED" && this.#session !== undefined) return `tenki sandbox resume ${this.#session}`;
    if (message.startsWith("session not found") && this.#usesSavedSession)
      return "tenki sandbox list, then tenki sandbox set <id|name>";
    return undefined;
  }

  /** An engine of this machine that was restarted may listen somewhere else. */
  async #findEndpoint({ endpoint, token, isLocal }: Settings): Promise<string | undefined> {
    const { findLocalEndpoint } = await import("./local-engine/find-local-endpoint.js");
    return (await findLocalEndpoint(this.io, token)) ?? (isLocal ? undefined : endpoint);
  }

  async close(): Promise<void> {
    this.#progress.stop();
    const client = await this.#client?.catch(() => undefined);
    client?.close();
  }
}

function requestLine(request: {
  method: string;
  durationMs: number;
  endpoint: string;
  error?: string;
}): string {
  const outcome = request.error === undefined ? "ok" : request.error;
  return `${request.method} at ${request.endpoint}: ${outcome}, ${Math.round(request.durationMs)} ms`;
}
