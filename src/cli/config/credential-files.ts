import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CredentialKeeper, KeptCredential } from "../../client/index.js";

/** Beside the config file, which holds the token itself. */
const directoryName = "credentials";

/** Sessions' credentials between two commands, for the login that is saved; readable by its user only. */
export class CredentialFiles implements CredentialKeeper {
  readonly #directory: string;
  readonly #api: string;

  /** `api`: the service that they are from. */
  constructor(configDirectory: string, api: string) {
    this.#directory = join(configDirectory, directoryName);
    this.#api = api;
  }

  load(sessionId: string): KeptCredential | undefined {
    const file = read(this.#path(sessionId));
    return file?.api === this.#api && file.expiresAt > Date.now() ? file : undefined;
  }

  keep(sessionId: string, credential: KeptCredential): void {
    const path = this.#path(sessionId);
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
      this.#removeExpired();
      writeFileSync(temporary, JSON.stringify({ api: this.#api, ...credential }), {
        mode: 0o600,
        flag: "wx",
      });
      renameSync(temporary, path);
    } catch {
      removeIfThere(temporary); // the next command asks for one of its own
    }
  }

  #removeExpired(): void {
    for (const name of readdirSync(this.#directory)) {
      const path = join(this.#directory, name);
      if ((read(path)?.expiresAt ?? 0) <= Date.now() && !name.endsWith(".tmp")) rmSync(path, { force: true });
    }
  }

  #path(sessionId: string): string {
    return join(this.#directory, `${sessionId}.json`);
  }
}

function removeIfThere(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // What should hold it is no directory.
  }
}

/** With a login go the credentials that it had got. */
export function forgetCredentials(configDirectory: string): void {
  rmSync(join(configDirectory, directoryName), { recursive: true, force: true });
}

interface CredentialFile extends KeptCredential {
  readonly api: string;
}

/** Undefined where there is none, or what is there is none. */
function read(path: string): CredentialFile | undefined {
  try {
    const file = JSON.parse(readFileSync(path, "utf8")) as Partial<CredentialFile>;
    const { api, endpoint, credential, receivedAt, expiresAt } = file;
    const isWhole =
      [api, endpoint, credential].every((text) => typeof text === "string") &&
      [receivedAt, expiresAt].every((time) => typeof time === "number");
    return isWhole ? (file as CredentialFile) : undefined;
  } catch {
    return undefined;
  }
}
