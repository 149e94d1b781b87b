import type { CommandExit } from "../domain/command.js";
import { formatGoDuration } from "../lib/go-duration.js";
import { startTimer } from "../lib/long-timer.js";
import { SandboxError } from "./errors.js";
import type { RunningCommand } from "./running-command.js";

/** The service ends a command that is out of time; past this grace it is not believed to any more. */
const graceMs = 15_000;

/** Waits for a command's end, and lets go of it where even its timeout does not bring it about. */
export async function waitForExit(command: RunningCommand, timeoutMs: number): Promise<CommandExit> {
  if (timeoutMs === 0) return command.exit;
  let callOff = () => {};
  const never = new Promise<never>((_, reject) => {
    callOff = startTimer(timeoutMs + graceMs, () => {
      command.close();
      const after = formatGoDuration(timeoutMs + graceMs);
      reject(
        new SandboxError(
          "deadline_exceeded",
          `the service did not end a command out of time within ${after}`,
        ),
      );
    });
  });
  try {
    return await Promise.race([command.exit, never]);
  } finally {
    callOff();
  }
}
