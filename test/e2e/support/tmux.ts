import assert from "node:assert/strict";
import { runProcess } from "../../../src/lib/process.js";
import { waitUntil } from "../../../src/lib/wait-until.js";

/** A real terminal with a shell in it, as a person sees it. */
export class Tmux {
  readonly #socket: string;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(env: Readonly<Record<string, string>>, name: string) {
    this.#env = env;
    this.#socket = `tenki-test-${process.pid}${name}`;
  }

  /** 100 columns, 30 rows; its prompt is `local>`. `name` tells several of one test apart. */
  static async open(env: Readonly<Record<string, string>>, name = ""): Promise<Tmux> {
    const tmux = new Tmux(env, name);
    const variables = Object.entries(env).map(([key, value]) => `${key}=${value}`);
    await tmux.#run(
      ...["-f", "/dev/null", "new-session", "-d", "-s", "main", "-x", "100", "-y", "30"],
      ...["env", ...variables, "PS1=local> ", "sh"],
    );
    await tmux.shows(/local>/);
    return tmux;
  }

  screen(): Promise<string> {
    return this.#run("capture-pane", "-p", "-t", "main");
  }

  async type(text: string): Promise<void> {
    await this.#run("send-keys", "-t", "main", "-l", text);
  }

  /** A line, and Enter. */
  async enter(line: string): Promise<void> {
    await this.type(line);
    await this.press("Enter");
  }

  /** Whether a full-screen program has it. */
  async onAlternateScreen(): Promise<boolean> {
    return (await this.#run("display-message", "-p", "-t", "main", "#{alternate_on}")).trim() === "1";
  }

  /** Whether its cursor can be seen. */
  async showsCursor(): Promise<boolean> {
    return (await this.#run("display-message", "-p", "-t", "main", "#{cursor_flag}")).trim() === "1";
  }

  /** A key by tmux's name for it: `Enter`, `C-c`. */
  async press(key: string): Promise<void> {
    await this.#run("send-keys", "-t", "main", key);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#run("resize-window", "-t", "main", "-x", `${columns}`, "-y", `${rows}`);
  }

  async shows(pattern: RegExp): Promise<void> {
    const seen = await waitUntil(async () => (pattern.test(await this.screen()) ? true : undefined), {
      timeoutMs: 20_000,
      intervalMs: 20,
    });
    assert.ok(seen, `not on the screen: ${pattern}\n${await this.screen()}`);
  }

  async close(): Promise<void> {
    await this.#run("kill-server").catch(() => undefined);
  }

  #run(...args: string[]): Promise<string> {
    return runProcess(["tmux", "-L", this.#socket, ...args], {
      env: { ...this.#env, TERM: "xterm-256color" },
    });
  }
}
