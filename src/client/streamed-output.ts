import type { CommandExit } from "../domain/command.js";
import { openStream } from "./open-stream.js";
import type { Output } from "./options/commands.js";
import type { Rpc } from "./rpc.js";

/** The last piece of a command's output says how it ended. */
export interface FinalOutput extends Output {
  readonly exit?: Pick<CommandExit, "exitCode" | "durationMs" | "timedOut"> | undefined;
}

export async function* streamedOutput(
  rpc: Rpc,
  which: { readonly sessionId: string; readonly executionId: string },
  signal?: AbortSignal,
): AsyncGenerator<FinalOutput, void, undefined> {
  const { endpoint } = rpc.settings;
  const plan = { what: "SandboxService.StreamCommandOutput", endpoint, signal, idempotent: true };
  const stream = await openStream(rpc, plan, (at, call) => at.sandbox.streamCommandOutput(which, call));
  for await (const { data, isStderr, isFinal, exitCode, durationMs, timedOut } of stream) {
    const exit = isFinal ? { exitCode, durationMs: Number(durationMs), timedOut } : undefined;
    yield { data, isStderr, isFinal, exit };
  }
}
