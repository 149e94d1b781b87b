import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import {
  RunResponseSchema,
  RunSignal_Sig,
  type RunStart,
} from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { AsyncQueue } from "../../../src/lib/async-queue.js";
import type { StoredSession } from "./session-table.js";

type Payload = NonNullable<MessageInitShape<typeof RunResponseSchema>["payload"]>;
type Frames = AsyncIterator<{
  frame?: { payload: { case?: string | undefined; value?: unknown } } | undefined;
}>;

const answer = (payload: Payload) => create(RunResponseSchema, { payload });

/** Runs a command on this machine, with the session's directory as its home, by the contract's frames. */
export async function* runInSession(
  session: StoredSession,
  start: RunStart,
  frames: Frames,
  signal: AbortSignal,
) {
  const child = launch(session, start);
  const failure = await Promise.race([once(child, "spawn").then(() => undefined), once(child, "error")]);
  if (failure !== undefined) {
    const error = failure[0] as NodeJS.ErrnoException;
    const errno = -(error.errno ?? 0);
    const reason = `spawn_failed: ${error.code === "ENOENT" ? "no such file or directory" : "permission denied"}`;
    yield answer({ case: "exit", value: { exitCode: 0, reason, errno } });
    return;
  }
  const startedAt = performance.now();
  let timedOut = false;
  const kill = (name: NodeJS.Signals) => tryKill(child, name);
  const timer =
    start.timeoutMs === 0
      ? undefined
      : setTimeout(() => ((timedOut = true), kill("SIGKILL")), start.timeoutMs);
  signal.addEventListener("abort", () => kill("SIGKILL"), { once: true });
  const closed = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
  try {
    yield answer({ case: "started", value: { pid: BigInt(child.pid ?? 0), stdinWindowBytes: 0 } });
    void passUp(child, frames);
    yield* outputs(child);
    const [code, by] = await closed;
    yield answer({
      case: "exit",
      value: {
        exitCode: code ?? 0,
        signal: timedOut ? "" : (by?.slice(3) ?? ""),
        timedOut,
        durationMs: BigInt(Math.round(performance.now() - startedAt)),
        reason: timedOut ? "timeout" : by === null ? "exit" : "signaled",
      },
    });
  } finally {
    clearTimeout(timer);
    kill("SIGKILL");
  }
}

/** Paths below the home directory that a command is given are those of the session's directory. */
function launch(session: StoredSession, start: RunStart): ChildProcess {
  const local = (word: string) => word.replaceAll("/home/tenki", session.root);
  const [program = "", ...args] = start.cmd.map(local);
  const env = { PATH: process.env["PATH"], HOME: session.root, ...session.env, ...start.env };
  const cwd = start.cwd === "" ? session.root : local(start.cwd);
  return spawn(program, args, {
    cwd,
    env,
    detached: true,
    stdio: [start.streamStdin ? "pipe" : "ignore", "pipe", "pipe"],
  });
}

async function* outputs(child: ChildProcess) {
  const queue = new AsyncQueue<Payload>(4);
  let turn: Promise<void> = Promise.resolve(); // the queue is for one producer at a time
  const read = async (name: "stdout" | "stderr") => {
    for await (const value of child[name] ?? []) {
      turn = turn.then(() => queue.push({ case: name, value: value as Uint8Array }));
      await turn;
    }
  };
  void Promise.all([read("stdout"), read("stderr")]).then(
    () => queue.end(),
    (error: unknown) => queue.end(error),
  );
  for await (const payload of queue) yield answer(payload);
}

async function passUp(child: ChildProcess, frames: Frames): Promise<void> {
  child.stdin?.on("error", () => undefined);
  try {
    for (let next = await frames.next(); !next.done; next = await frames.next()) {
      const payload = next.value.frame?.payload;
      if (payload?.case === "stdin")
        await new Promise((resolve) => child.stdin?.write(payload.value, resolve));
      else if (payload?.case === "stdinClose") child.stdin?.end();
      else if (payload?.case === "signal") {
        const { signal } = payload.value as { signal: RunSignal_Sig };
        tryKill(child, RunSignal_Sig[signal]);
      }
    }
  } catch {
    // the caller has gone
  }
}

function tryKill(child: ChildProcess, name: string): void {
  const signal = name.startsWith("SIG") ? name : `SIG${name}`;
  if (!(signal in constants.signals) || child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // it has ended
  }
}
