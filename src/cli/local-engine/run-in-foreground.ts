import { spawn } from "node:child_process";
import { writeSync } from "node:fs";
import { version } from "../../domain/version.js";
import { withSystemPath } from "../../lib/system-environment.js";
import { waitUntil } from "../../lib/wait-until.js";
import type { StartOptions } from "../commands/engine/start.js";
import { startFlags } from "./start-flags.js";
import type { Context } from "../context.js";
import { guestProgram } from "../start-relay.js";
import { liveView, type View } from "../output/view.js";
import { loadEngine } from "./engine-door.js";
import { startedView } from "./engine-view.js";
import { findEngine } from "./find-engine.js";
import { readyVariable, startTimeoutMs } from "./start-engine.js";
import { useAsContext } from "./use-as-context.js";
import { namespacePrefix } from "./user-namespace.js";

/** Runs the engine in this process; an ordinary user's in one of its own, which is root in a namespace. */
export async function runInForeground(
  options: StartOptions,
  dataDir: string,
  ctx: Context,
): Promise<View | undefined> {
  const { io } = ctx;
  const ready = io.env[readyVariable];
  const releaseSignals = ctx.takeSignals();
  const prefix = await namespacePrefix(dataDir, io.userId);
  const ended =
    prefix.length === 0
      ? serve(options, dataDir, ctx, ready)
      : passThrough([...prefix, ...io.self, ...foregroundWords(options, dataDir)], ctx);
  const done = ended.finally(releaseSignals);
  if (ready !== undefined || prefix.length > 0) return void (await done);
  return liveView(announceThenServe(options, dataDir, ctx, done));
}

async function serve(
  options: StartOptions,
  dataDir: string,
  ctx: Context,
  ready: string | undefined,
): Promise<number> {
  const { runEngine } = await loadEngine();
  return runEngine(
    {
      dataDir,
      version,
      guestBinary: guestProgram(ctx.io),
      listen: options.listen,
      insecureListen: options.insecureListen,
      tlsCert: options.tlsCert,
      tlsKey: options.tlsKey,
      previewDomain: options.previewDomain,
      tokenFile: options.tokenFile,
      isolation: options.isolation,
      ociRuntime: options.ociRuntime,
      dnsServers: options.dns,
      readyDescriptor: ready === undefined ? undefined : Number(ready),
    },
    { stderr: (text) => warn(text, ctx, ready) },
  );
}

const foregroundWords = (options: StartOptions, dataDir: string): string[] => [
  ...["engine", "start", "--foreground", "--data-dir", dataDir],
  ...startFlags(options),
  ...(options.context ? [] : ["--no-context"]),
];

/** Who started this in the background reads the ready descriptor, and shows what a person has to know. */
function warn(text: string, { io }: Context, ready: string | undefined): void {
  if (ready !== undefined) writeSync(Number(ready), text);
  io.stderr.write(text);
}

/** The same command once more, behind the prefix; signals reach both, for both are in the foreground. */
function passThrough(argv: readonly string[], { io }: Context): Promise<number> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: "inherit",
      env: { ...io.env, PATH: withSystemPath(io.env["PATH"]) },
    });
    const forget = (["SIGINT", "SIGTERM"] as const).map((name) => io.onSignal(name, () => child.kill(name)));
    child.once("error", reject);
    child.once("close", (code) => {
      for (const each of forget) each();
      resolve(code ?? 1);
    });
  });
}

async function* announceThenServe(
  options: StartOptions,
  dataDir: string,
  ctx: Context,
  done: Promise<number>,
): AsyncGenerator<View, void, undefined> {
  const looking = new AbortController();
  const over = done.then(() => undefined).finally(() => looking.abort());
  const engine = await Promise.race([
    over,
    waitUntil(() => findEngine(dataDir), { timeoutMs: startTimeoutMs, signal: looking.signal }),
  ]);
  if (engine !== undefined) {
    if (options.context) await useAsContext(engine, ctx.config);
    yield startedView(engine);
  }
  await done;
}
