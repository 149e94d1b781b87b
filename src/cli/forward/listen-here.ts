import { once } from "node:events";
import { lstat, rm } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { TenkiError } from "../../domain/error.js";
import { type LocalEnd, localText } from "./forward-spec.js";

const host = "127.0.0.1";
/** How far above a port that is taken another one is looked for. */
const portsTried = 100;
/** What the kernel has room for; Node cuts the rest off, and listens somewhere else. */
const pathBytesMax = 107;

/**
 * Listens on this machine, for this machine alone. A socket's path goes with the server. `suggest` makes the hint of
 * an error: the command line that would listen at another port.
 */
export async function listenHere(
  local: LocalEnd,
  onConnection: (local: Socket) => void,
  suggest: (instead: LocalEnd) => string,
): Promise<Server> {
  if ("path" in local) checkLength(local.path, suggest);
  try {
    return await listen(local, onConnection);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "EADDRINUSE" && "path" in local && (await removeAbandoned(local.path))) {
      return listen(local, onConnection);
    }
    throw await explain(error, code, local, suggest);
  }
}

function checkLength(path: string, suggest: (instead: LocalEnd) => string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= pathBytesMax) return;
  throw new TenkiError(
    "failed_precondition",
    `cannot listen on ${path}: the path of a socket has at most ${pathBytesMax} bytes, and this one ${bytes}`,
    { hint: suggest({ path: "/tmp/a.sock" }) },
  );
}

async function listen(local: LocalEnd, onConnection: (local: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, onConnection);
  if ("port" in local) server.listen({ host, port: local.port });
  else listenPrivately(server, local.path);
  await once(server, "listening");
  return server;
}

/** The socket is this user's alone from its first moment, whatever the umask: it is bound before `listen` returns. */
function listenPrivately(server: Server, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen({ path });
  } finally {
    process.umask(before);
  }
}

/** A socket that nobody listens on is what a process that was killed has left. */
async function removeAbandoned(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  const probe = connect({ path });
  const refused = await once(probe, "connect").then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === "ECONNREFUSED",
  );
  probe.destroy();
  if (refused) await rm(path);
  return refused;
}

async function explain(
  cause: unknown,
  code: string | undefined,
  local: LocalEnd,
  suggest: (instead: LocalEnd) => string,
): Promise<TenkiError> {
  const what = localText(local);
  if (code === "EADDRINUSE" && "path" in local) {
    return new TenkiError("failed_precondition", `there is something at ${what} already`, { cause });
  }
  if (code === "EADDRINUSE" && "port" in local) {
    const free = await findFree(local.port);
    const hint = free === undefined ? undefined : suggest({ port: free });
    return new TenkiError("failed_precondition", `port ${local.port} is in use on this machine`, {
      hint,
      cause,
    });
  }
  if (code === "EACCES" && "port" in local) {
    const hint = suggest({ port: local.port + 8_000 });
    return new TenkiError("permission_denied", `port ${local.port} is not yours to listen on`, {
      hint,
      cause,
    });
  }
  if (code === "EACCES") {
    const why = "its directory is not there, or not yours to write to";
    return new TenkiError("failed_precondition", `cannot listen on ${what}: ${why}`, { cause });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TenkiError("failed_precondition", `cannot listen on ${what}: ${why}`, { cause });
}

async function findFree(taken: number): Promise<number | undefined> {
  for (let port = taken + 1; port <= Math.min(taken + portsTried, 65_535); port++) {
    const server = await listen({ port }, () => undefined).catch(() => undefined);
    if (server === undefined) continue;
    server.close();
    return port;
  }
  return undefined;
}
