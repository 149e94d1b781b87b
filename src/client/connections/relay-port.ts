import type { CommandExit } from "../../domain/command.js";
import { CapabilityUnavailableError, DialFailedError, type SandboxError } from "../errors.js";
import type { DataPlane } from "../data-plane.js";
import type { DialOptions } from "../options/connections.js";
import { runCommand } from "../run-command.js";
import type { RunningCommand } from "../running-command.js";
import type { DialEvent, DialFrame, DialLink } from "./dialled-stream.js";
import { pythonRelay, relayExits, relayProgram } from "./relay-program.js";

const connectMsByDefault = 10_000;
const lengthBytes = 4;

/** Connects to a port inside over a command's own streams: by the contract alone, with what the sandbox has to run. */
export async function relayPort(
  dataPlane: DataPlane,
  port: number,
  { connectTimeoutMs, signal }: DialOptions,
): Promise<DialLink> {
  const seconds = (connectTimeoutMs || connectMsByDefault) / 1_000;
  const argv = ["sh", "-c", relayProgram, "relay", `${port}`, `${seconds}`, pythonRelay];
  const command = await runCommand(dataPlane, argv, { stdin: true, ...(signal && { signal }) });
  const link = new RelayLink(command, port);
  await link.begin();
  return link;
}

class RelayLink implements DialLink {
  readonly #command: RunningCommand;
  readonly #port: number;
  readonly #output: AsyncIterator<{ readonly kind: "stdout" | "stderr"; readonly data: Uint8Array }>;
  #received = Buffer.alloc(0);
  #isFramed = true;

  constructor(command: RunningCommand, port: number) {
    this.#command = command;
    this.#port = port;
    this.#output = command.output[Symbol.asyncIterator]();
    command.exit.catch(() => undefined); // `next` says so
  }

  /** Until the relay says that it is connected. */
  async begin(): Promise<void> {
    if (!(await this.#receive(1))) throw this.#failure(await this.#command.exit);
    this.#isFramed = this.#take(1).toString() === "F";
  }

  async next(): Promise<DialEvent | undefined> {
    if (!this.#isFramed) {
      if (this.#received.length > 0 || (await this.#receive(1)))
        return { kind: "data", data: this.#take(this.#received.length) };
    } else if (await this.#receive(lengthBytes)) {
      const length = this.#take(lengthBytes).readUInt32BE();
      if (length === 0) return { kind: "half_close" };
      if (await this.#receive(length)) return { kind: "data", data: this.#take(length) };
    }
    const exit = await this.#command.exit;
    return { kind: "closed", error: exit.exitCode === 0 ? undefined : this.#failure(exit) };
  }

  async send(frame: DialFrame): Promise<boolean> {
    try {
      await (frame.kind === "data" ? this.#command.writeStdin(frame.data) : this.#command.closeStdin());
      return true;
    } catch {
      return false;
    }
  }

  /** Its input is closed by the half-close itself. */
  end(): void {}

  close(): void {
    this.#command.close();
  }

  #take(size: number): Buffer {
    const piece = this.#received.subarray(0, size);
    this.#received = this.#received.subarray(size);
    return piece;
  }

  /** Until so much is there; false where it ends before. */
  async #receive(size: number): Promise<boolean> {
    while (this.#received.length < size) {
      const { done, value } = await this.#output.next();
      if (done) return false;
      if (value.kind === "stdout") this.#received = Buffer.concat([this.#received, value.data]);
    }
    return true;
  }

  #failure({ exitCode }: CommandExit): SandboxError {
    if (exitCode === relayExits.refused) {
      return new DialFailedError("refused", `nothing listens on port ${this.#port} of the sandbox`);
    }
    if (exitCode === relayExits.timeout) {
      return new DialFailedError("timeout", `no answer in time from port ${this.#port} of the sandbox`);
    }
    if (exitCode !== relayExits.noRelay)
      return new DialFailedError("reset", "the connection into the sandbox broke off");
    return new CapabilityUnavailableError(
      "unavailable",
      "this service cannot connect to ports, and the sandbox has neither python3 nor bash to do it with",
    );
  }
}
