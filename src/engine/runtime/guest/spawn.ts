import { constants } from "node:os";
import { type CommandExit, spawnFailureCode } from "../../../domain/command.js";
import type { GuestCommand, GuestProcess, SpawnResult } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";
import { TenkiError } from "../../../domain/error.js";
import { describeErrno, expectFrame, readFailure } from "./guest-error.js";
import { LinkedProcess } from "./guest-process.js";
import { lendWire } from "./lend-wire.js";
import { malformed, PayloadReader, PayloadWriter } from "./payload.js";
import { down, request, requestBytesMax, runFlags, terminalSizeMax } from "./protocol.js";

export interface SpawnOptions {
  /** For the start. Who has opened the connection closes it then. */
  readonly signal: AbortSignal;
  readonly relayProgram?: string | undefined;
}

/** Asks the guest to start a command. The connection becomes the process's where it did. */
export async function spawnCommand(
  connection: GuestConnection,
  command: GuestCommand,
  { signal, relayProgram }: SpawnOptions,
): Promise<SpawnResult> {
  const payload = encodeCommand(command);
  if (payload.length > requestBytesMax) return refuse(connection, command, constants.errno.E2BIG, steps.exec);
  if (command.wire !== undefined) await lendWire(connection, command.wire, { program: relayProgram, signal });
  void connection.send(request.run, payload);
  const frame = await connection.next();
  const failure = readFailure(frame);
  if (failure !== undefined) return refuse(connection, command, failure.errno);
  const reader = new PayloadReader(frame.payload);
  if (frame.type === down.started) {
    const place = { pid: reader.u32(), stdinWindowBytes: reader.u32(), stdinReceived: 0, outputOffset: 0 };
    reader.finish();
    const process = new LinkedProcess(connection, place, {
      kept: command.kept !== undefined,
      relayProgram,
    });
    return { started: true, process };
  }
  if (frame.type !== down.spawnFailed) throw malformed("the wrong kind of frame");
  const errno = reader.u32();
  const step = reader.u8();
  reader.finish();
  return refuse(connection, command, errno, step);
}

/** Asks for a command that is kept. The connection becomes its new caller's, who takes it from any other. */
export async function attachCommand(
  connection: GuestConnection,
  id: string,
  outputOffset: number,
  relayProgram?: string,
): Promise<GuestProcess> {
  const bytes = new PayloadWriter().string(id).u64(outputOffset).finish();
  void connection.send(request.attach, bytes);
  const frame = await connection.next();
  if (readFailure(frame)?.errno === constants.errno.ENOENT) {
    throw new TenkiError("not_found", "no such command");
  }
  const reader = expectFrame(frame, down.attached);
  const pid = reader.u32();
  const stdinWindowBytes = reader.u32();
  const stdinReceived = reader.u64();
  reader.finish();
  return new LinkedProcess(
    connection,
    { pid, stdinWindowBytes, stdinReceived, outputOffset },
    { kept: true, relayProgram },
  );
}

/** Longer than a session lives. */
const timeMsMax = 0xffff_ffff;

function encodeCommand(command: GuestCommand): Buffer {
  const { terminal, kept } = command;
  const flags =
    (command.privileged ? runFlags.privileged : 0) |
    (terminal === undefined ? 0 : runFlags.pty) |
    (command.letGo === true ? runFlags.letGo : 0) |
    runFlags.stdin;
  return new PayloadWriter()
    .u8(flags)
    .u32(Math.min(terminal?.rows ?? 0, terminalSizeMax))
    .u32(Math.min(terminal?.columns ?? 0, terminalSizeMax))
    .u32(Math.min(Math.ceil(command.timeoutMs), timeMsMax))
    .string(kept?.id ?? "")
    .u32(Math.min(Math.ceil(kept?.lingerMs ?? 0), timeMsMax))
    .string(command.cwd)
    .strings(command.argv)
    .strings(Object.entries(command.env).map(([name, value]) => `${name}=${value}`))
    .finish();
}

/** Where it failed, as the guest numbers the steps. */
const steps = { exec: 0, directory: 1, user: 2 } as const;

function refuse(
  connection: GuestConnection,
  command: GuestCommand,
  errno: number,
  step: number = -1,
): SpawnResult {
  connection.close();
  const subject =
    step === steps.exec
      ? `${command.argv[0]}: `
      : step === steps.directory
        ? `directory ${command.cwd}: `
        : "";
  const exit: CommandExit = {
    exitCode: spawnFailureCode(step === steps.exec, errno),
    timedOut: false,
    durationMs: 0,
    reason: `spawn_failed: ${subject}${describeErrno(errno)}`,
    errno,
  };
  return { started: false, exit };
}
