import { once } from "node:events";
import { realpath, stat } from "node:fs/promises";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import { DialError } from "../../domain/dial.js";
import { homeDirectory } from "../../domain/file.js";
import type { DialTarget, GuestStream } from "../core/ports/runtime.js";

/** Where a service may listen: with no network of its own, a sandbox's ports are the machine's. */
const addresses = ["127.0.0.1", "::1"];
const timeoutMsByDefault = 150_000;

/** Connects to what a sandbox's processes listen on: its home directory is below `root`, all else is the machine's. */
export async function dialHost(
  root: string,
  target: DialTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<GuestStream> {
  signal.throwIfAborted();
  const patience = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs || timeoutMsByDefault)]);
  if ("unixSocketPath" in target) {
    const path = await findSocket(root, target.unixSocketPath);
    return connectTo({ path }, target.unixSocketPath, patience, signal);
  }
  const { port } = target;
  for (const host of addresses) {
    try {
      return await connectTo({ host, port }, `port ${port}`, patience, signal);
    } catch (error) {
      const isRefused = error instanceof DialError && error.failure === "refused";
      if (!isRefused || host === addresses.at(-1)) throw error;
    }
  }
  throw new DialError("refused", `nothing listens on port ${port}`);
}

async function connectTo(
  options: NetConnectOpts,
  what: string,
  patience: AbortSignal,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect({ ...options, allowHalfOpen: true });
  try {
    await once(socket, "connect", { signal: patience });
    return socket;
  } catch (cause) {
    socket.destroy();
    signal.throwIfAborted();
    if (patience.aborted) throw new DialError("timeout", `no answer in time from ${what}`, { cause });
    throw new DialError("refused", `nothing listens on ${what}`, { cause });
  }
}

const places = ["/tmp", "/run", "/var/run"];

/** The path of the host; `path_denied` where it is no socket, or lies elsewhere once its links are resolved. */
async function findSocket(root: string, path: string): Promise<string> {
  const isAtHome = path.startsWith(`${homeDirectory}/`);
  const home = await realpath(join(root, homeDirectory));
  const real = await realpath(isAtHome ? join(root, path) : path).catch((cause: unknown) => {
    throw new DialError("path_denied", `path_denied: no such file or directory: ${path}`, { cause });
  });
  const isInside = [home, ...places].some((place) => real.startsWith(`${place}/`));
  if (!isInside) throw new DialError("path_denied", `path_denied: outside ${homeDirectory}: ${path}`);
  if (!(await stat(real)).isSocket())
    throw new DialError("path_denied", `path_denied: not a socket: ${path}`);
  return real;
}
