import { constants } from "node:os";
import type { CommandExit } from "../../../domain/command.js";
import type { GuestCommand, SpawnResult } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";
import { describeErrno, readFailure } from "./guest-error.js";
import { LinkedProcess } from "./guest-process.js";
import { malformed, PayloadReader, PayloadWriter } from "./payload.js";
import { down, request, requestBytesMax, runFlags } from "./protocol.js";

/** Asks the guest to start a command. The connection becomes the process's where it did. */
export async function spawnCommand(connection: GuestConnection, command: GuestCommand): Promise<SpawnResult> {
  const payload = encodeCommand(command);
  if (payload.length > requestBytesMax) return refuse(connection, command, constants.errno.E2BIG);
  void connection.send(request.run, payload);
  const frame = await connection.next();
  const failure = readFailure(frame);
  if (failure !== undefined) return refuse(connection, command, failure.errno);
  const reader = new PayloadReader(frame.payload);
  if (frame.type === down.started) return { started: true, process: new LinkedProcess(connection, reader) };
  if (frame.type !== down.spawnFailed) throw malformed("the wrong kind of frame");
  const errno = reader.u32();
  const step = reader.u8();
  reader.finish();
  return refuse(connection, command, errno, step);
}

/** A terminal's rows and columns, as the kernel keeps them. */
const sizeMax = 0xffff;
/** Longer than a session lives. */
const timeoutMsMax = 0xffff_ffff;

function encodeCommand(command: GuestCommand): Buffer {
  const { terminal } = command;
  const flags =
    (command.privileged ? runFlags.privileged : 0) |
    (terminal === undefined ? 0 : runFlags.pty) |
    runFlags.stdin;
  return new PayloadWriter()
    .u8(flags)
    .u32(Math.min(terminal?.rows ?? 0, sizeMax))
    .u32(Math.min(terminal?.columns ?? 0, sizeMax))
    .u32(Math.min(Math.ceil(command.timeoutMs), timeoutMsMax))
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
    // As shells do: 127 where there is no such program, 126 where it could not be run.
    exitCode: step === steps.exec && errno === constants.errno.ENOENT ? 127 : 126,
    timedOut: false,
    durationMs: 0,
    reason: `spawn_failed: ${subject}${describeErrno(errno)}`,
    errno,
  };
  return { started: false, exit };
}
