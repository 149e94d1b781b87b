import { TenkiError } from "../../../domain/error.js";
import type {
  DialTarget,
  GuestCommand,
  GuestFiles,
  GuestListener,
  GuestProcess,
  GuestStream,
  SandboxFile,
  SpawnResult,
} from "../../core/ports/runtime.js";
import { GuestConnection } from "./connection.js";
import { dialGuest, dialPatienceMs } from "./dial.js";
import { expectFrame } from "./guest-error.js";
import { LinkedFiles } from "./guest-files.js";
import { LinkedListener } from "./guest-listener.js";
import { PayloadWriter } from "./payload.js";
import { down, protocolVersion, request, requestBytesMax, userOwns } from "./protocol.js";
import { attachCommand, spawnCommand } from "./spawn.js";

/** The engine's way into one sandbox: a connection to its pid 1 for each thing to be done. */
export class GuestLink {
  readonly files: GuestFiles;
  readonly #socketPath: string;
  readonly #relayProgram: string | undefined;

  /** `relayProgram`: passes on bursts of output, for who wants that; default: nobody does. */
  constructor(socketPath: string, relayProgram?: string) {
    this.#socketPath = socketPath;
    this.#relayProgram = relayProgram;
    this.files = new LinkedFiles(socketPath);
  }

  /** Answers once pid 1 inside serves. Throws `unavailable` when there is no answer. */
  async ping(signal: AbortSignal): Promise<void> {
    const connection = new GuestConnection(this.#socketPath);
    await connection.during(signal, async () => {
      void connection.send(request.ping, Buffer.alloc(0));
      const version = expectFrame(await connection.next(), down.pong).u32();
      connection.close();
      if (version === protocolVersion) return;
      throw new TenkiError(
        "failed_precondition",
        `the sandbox was started by another version of the engine (protocol ${version}, not ${protocolVersion})`,
        { hint: "terminate it and create a new one" },
      );
    });
  }

  /** As root inside, before the session is announced: the engine's files and the home directory. */
  prepare(files: readonly SandboxFile[], signal: AbortSignal): Promise<void> {
    return this.#write(request.prepare, files, signal);
  }

  /** As root inside, at any time; who reads one of the files sees the old or the new. */
  place(files: readonly SandboxFile[], signal: AbortSignal): Promise<void> {
    return this.#write(request.place, files, signal);
  }

  async #write(kind: number, files: readonly SandboxFile[], signal: AbortSignal): Promise<void> {
    const payload = new PayloadWriter().u32(files.length);
    for (const file of files) {
      const owned = file.owner === "user" ? userOwns : 0;
      payload
        .string(file.path)
        .u32(file.mode | owned)
        .bytes(Buffer.from(file.content));
    }
    const bytes = payload.finish();
    if (bytes.length > requestBytesMax)
      throw new TenkiError("invalid_argument", "the environment is too large");
    const connection = new GuestConnection(this.#socketPath);
    await connection.during(signal, async () => {
      void connection.send(kind, bytes);
      expectFrame(await connection.next(), down.done);
      connection.close();
    });
  }

  /** Starts a command. The signal is for the start: once it runs, `close` of the process ends it. */
  async spawn(command: GuestCommand, signal: AbortSignal): Promise<SpawnResult> {
    const connection = new GuestConnection(this.#socketPath);
    return connection.during(
      signal,
      () => spawnCommand(connection, command, { signal, relayProgram: this.#relayProgram }),
      // One that is kept may have started all the same, and would wait.
      () => (command.kept === undefined ? connection.close() : connection.hangUp()),
    );
  }

  /** Comes back to a kept command. Throws `not_found` and `data_loss`. The signal is for the way there. */
  async attach(id: string, outputOffset: number, signal: AbortSignal): Promise<GuestProcess> {
    const connection = new GuestConnection(this.#socketPath);
    return connection.during(signal, () => attachCommand(connection, id, outputOffset, this.#relayProgram));
  }

  /** Connects to something inside. Throws `DialError`. The signal is for the way there. */
  async dial(
    target: DialTarget,
    options: { readonly timeoutMs: number },
    signal: AbortSignal,
  ): Promise<GuestStream> {
    const patienceMs = dialPatienceMs(options.timeoutMs);
    const connection = new GuestConnection(this.#socketPath, { patienceMs, allowHalfOpen: true });
    return connection.during(signal, () => dialGuest(connection, target, options.timeoutMs));
  }

  /** The signal is for the beginning: once it listens, its `close` ends it. */
  listen(
    options: { readonly address: string; readonly port: number },
    signal: AbortSignal,
  ): Promise<GuestListener> {
    return LinkedListener.open(this.#socketPath, options, signal);
  }
}
