import { spawn } from "node:child_process";
import type { Context } from "./context.js";

/** Shows it in the browser of who is there; without one the address on the screen has to do. */
export async function openBrowser(url: string, ctx: Context): Promise<void> {
  const { env } = ctx.io;
  const wanted = env["BROWSER"];
  if (!wanted && !env["DISPLAY"] && !env["WAYLAND_DISPLAY"])
    return ctx.note(`there is no display here: open ${url} where there is one, or set BROWSER`);
  const lines = (wanted || "xdg-open").split(":").filter((line) => line.trim() !== "");
  for (const line of lines) if (await start(withUrl(line, url), env)) return;
  await ctx.note(`no browser could be opened: ${lines.join(", ")} is not there; BROWSER names another`);
}

/** As others read BROWSER: a command's words, the address where %s stands, else at the end; and several with colons between. */
function withUrl(line: string, url: string): string[] {
  const words = line.trim().split(/\s+/);
  return line.includes("%s") ? words.map((word) => word.replaceAll("%s", url)) : [...words, url];
}

/** Whether it could be started; it goes on without us. */
function start([program = "", ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...env }, stdio: "ignore", detached: true });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}
