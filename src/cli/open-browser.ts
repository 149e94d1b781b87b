import { spawn } from "node:child_process";
import type { Context } from "./context.js";

/** Shows it in the browser of who is there; without one the address on the screen has to do. */
export async function openBrowser(url: string, ctx: Context): Promise<void> {
  const { env } = ctx.io;
  const program = env["BROWSER"] || "xdg-open";
  try {
    await new Promise<void>((resolve, reject) => {
      const child = spawn(program, [url], { env: { ...env }, stdio: "ignore", detached: true });
      child.once("error", reject);
      child.once("spawn", () => {
        child.unref();
        resolve();
      });
    });
  } catch {
    await ctx.note(`no browser could be opened: ${program} is not there; BROWSER names another`);
  }
}
