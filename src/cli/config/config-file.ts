import { readFileSync, statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { withFileLock } from "../../lib/file-lock.js";
import type { Io } from "../io.js";
import { readPlainConfig, setInConfigText } from "./config-text.js";

export type ConfigValues = ReadonlyMap<string, string>;

/** `~/.config/tenki`, where XDG_CONFIG_HOME says nothing else. */
export function configDirectory(io: Pick<Io, "env" | "homeDirectory">): string {
  const base = io.env["XDG_CONFIG_HOME"];
  return join(base?.startsWith("/") ? base : join(io.homeDirectory, ".config"), "tenki");
}

/** The user's settings and the current session; read once, changed by replacing the file. */
export class ConfigFile {
  readonly path: string;
  #values: Promise<ConfigValues> | undefined;
  #stamp: string | undefined;

  constructor(path: string) {
    this.path = path;
  }

  /** All top-level values; empty where there is no file. */
  values(): Promise<ConfigValues> {
    this.#values ??= this.#read();
    return this.#values;
  }

  /** Which file the values are of, and as of when; undefined where there was none, or they were changed since. */
  get stamp(): string | undefined {
    return this.#stamp;
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.values()).get(key);
  }

  /** Sets what has a value and removes what is undefined, upon the file as it is by then. */
  async update(changes: Readonly<Record<string, string | undefined>>): Promise<void> {
    try {
      // A link to the file (people keep their settings elsewhere) stays a link.
      const target = await realpath(this.path).catch(() => this.path);
      await withFileLock(target, async () => {
        const before = this.#readText();
        await this.#parse(before);
        const after = Object.entries(changes).reduce(
          (text, [key, value]) => setInConfigText(text, key, value),
          before,
        );
        const values = await this.#parse(after);
        if (after !== before) await writeFileAtomic(target, after, 0o600);
        this.#values = Promise.resolve(values);
        this.#stamp = undefined;
      });
    } catch (error) {
      if (error instanceof TenkiError) throw error;
      throw new TenkiError("internal", `cannot write ${this.path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  async #read(): Promise<ConfigValues> {
    this.#stamp = readStamp(this.path); // ahead of the text, which may be a later one's
    return this.#parse(this.#readText());
  }

  /** At once: it is small, and every command reads it before anything else. */
  #readText(): string {
    try {
      return readFileSync(this.path, "utf8");
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return "";
      throw new TenkiError("permission_denied", `cannot read ${this.path}: ${message}`, { cause: error });
    }
  }

  async #parse(text: string): Promise<ConfigValues> {
    const plain = readPlainConfig(text);
    if (plain !== undefined) return plain;
    const { readYamlConfig } = await import("./yaml-config.js");
    return readYamlConfig(text, this.path);
  }
}

function readStamp(path: string): string | undefined {
  try {
    const { dev, ino, ctimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${ctimeNs}`;
  } catch {
    return undefined;
  }
}
