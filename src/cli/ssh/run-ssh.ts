import { spawn } from "node:child_process";
import { TenkiError } from "../../domain/error.js";
import type { Context } from "../context.js";
import { signalCode } from "../exit-codes.js";
import { installSsh } from "./ssh-key.js";

/** Runs the user's ssh on this command line's own terminal and streams; resolves with the code that it ended with. */
export async function runSsh([program = "ssh", ...args]: readonly string[], ctx: Context): Promise<number> {
  const child = spawn(program, args, { stdio: "inherit", env: { ...ctx.io.env } });
  const offs = [
    ...(["SIGINT", "SIGQUIT"] as const).map((name) => ctx.io.onSignal(name, () => undefined)), // ssh has got it, too
    ...(["SIGTERM", "SIGHUP"] as const).map((name) => ctx.io.onSignal(name, () => child.kill(name))),
  ];
  const giveBack = ctx.takeSignals();
  try {
    return await new Promise((resolve, reject) => {
      child.once("error", (error) => reject(startError(error)));
      child.once("exit", (code, signal) => resolve(code ?? signalCode((signal ?? "SIGKILL").slice(3))));
    });
  } finally {
    giveBack();
    offs.forEach((off) => off());
  }
}

function startError(error: NodeJS.ErrnoException): TenkiError {
  const isMissing = error.code === "ENOENT";
  const message = isMissing ? "there is no ssh here" : `ssh cannot be run: ${error.message}`;
  return new TenkiError("failed_precondition", message, {
    hint: isMissing ? installSsh : undefined,
    cause: error,
  });
}
