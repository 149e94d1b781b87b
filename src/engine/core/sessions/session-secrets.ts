import { TenkiError } from "../../../domain/error.js";
import { homeDirectory } from "../../../domain/file.js";
import { commandEnvironment } from "../commands/command-environment.js";
import type { GuestProcess, Runtime } from "../ports/runtime.js";
import type { SessionRecord } from "../ports/store.js";
import { secretsPath } from "../commands/secret-files.js";

export type Secrets = Readonly<Record<string, string>>;

/** Variables by which clients hand over a token: the record never holds their values. */
const secretNames: ReadonlySet<string> = new Set(["GH_TOKEN", "GIT_TOKEN"]);

const bytesMax = 64 << 10;
const timeoutMs = 10_000;
const none: Secrets = {};

/** Takes the secrets out of an environment. */
export function splitSecrets(env: Secrets): { readonly env: Secrets; readonly secrets: Secrets } {
  const part = (isSecret: boolean) =>
    Object.fromEntries(
      Object.entries(env).filter(([name, value]) => (secretNames.has(name) && value !== "") === isSecret),
    );
  const secrets = part(true);
  for (const [name, value] of Object.entries(secrets)) {
    if (!/^[\x21-\x7e]{1,8192}$/.test(value)) {
      throw new TenkiError(
        "invalid_argument",
        `${name} has to be a token: one word of letters, digits and signs`,
      );
    }
  }
  return { env: part(false), secrets };
}

/**
 * The secrets of sessions: in this process's memory, and in the sandbox's own, from where they are read again
 * after the engine's restart. What is read there is the guest's to change, and goes back to it only.
 */
export class SessionSecrets {
  readonly #runtime: Runtime;
  readonly #kept = new Map<string, Secrets>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  keep(sessionId: string, secrets: Secrets): void {
    if (Object.keys(secrets).length > 0) this.#kept.set(sessionId, secrets);
  }

  forget(sessionId: string): void {
    this.#kept.delete(sessionId);
  }

  /** Of a session that is not running, what is in memory. */
  kept(sessionId: string): Secrets {
    return this.#kept.get(sessionId) ?? none;
  }

  /** Of a running session. */
  async of({ id, secretNames: names = [] }: SessionRecord, signal: AbortSignal): Promise<Secrets> {
    const kept = this.#kept.get(id);
    if (kept !== undefined || names.length === 0) return kept ?? none;
    const found = pick(await this.#readBack(id, signal), names);
    this.#kept.set(id, found);
    return found;
  }

  async #readBack(id: string, signal: AbortSignal): Promise<string> {
    const env = commandEnvironment({}, {}, { privileged: false, terminal: false });
    const command = { argv: ["cat", secretsPath], cwd: homeDirectory, env, privileged: false, timeoutMs };
    const spawned = await this.#runtime.spawn(id, command, signal);
    return spawned.started ? readOutput(spawned.process) : "";
  }
}

async function readOutput(process: GuestProcess): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    process.closeStdin();
    for await (const event of process.events) {
      if (event.kind !== "stdout") continue;
      bytes += event.data.length;
      if (bytes > bytesMax) return "";
      chunks.push(event.data);
    }
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    process.close();
  }
}

/** Nothing but texts under the names that there were. */
function pick(json: string, names: readonly string[]): Secrets {
  let found: unknown;
  try {
    found = JSON.parse(json);
  } catch {
    return none;
  }
  if (typeof found !== "object" || found === null) return none;
  const known = Object.entries(found).filter(
    (entry): entry is [string, string] =>
      names.includes(entry[0]) && typeof entry[1] === "string" && !entry[1].includes("\0"),
  );
  return Object.fromEntries(known);
}
