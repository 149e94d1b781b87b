import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { waitUntil } from "../../../src/lib/wait-until.js";

type Parameters = Readonly<Record<string, unknown>>;

interface Message {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
  /** Of what is told without being asked for. */
  readonly method?: string;
  readonly params?: { readonly errorText?: string };
  readonly sessionId?: string;
}

/** Root has to ask for no sandbox of its own; and it is to call nobody that it is not told to. */
const flags = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=900,600"],
  ...["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"],
  ...["--disable-sync", "--disable-extensions", "--no-proxy-server", "--remote-debugging-pipe"],
];

/** Debian's, or Google's where there is none. */
const program = ["chromium", "google-chrome"].find((name) =>
  (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, name))),
);

/** A headless Chromium with a profile of its own, driven by its DevTools protocol over a pipe. */
export class Browser {
  readonly #child: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #asked = 0;
  #heard = "";

  private constructor(profile: string, more: readonly string[]) {
    this.#profile = profile;
    const argv = [...flags, ...more, `--user-data-dir=${profile}`, "about:blank"];
    this.#child = spawn(program ?? "chromium", argv, {
      env: { ...process.env, HOME: profile, TMPDIR: profile },
      stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
    });
    const answers = this.#child.stdio[4] as Readable;
    answers.setEncoding("utf8").on("data", (text: string) => this.#hear(text));
    this.#child.once("close", () => this.#endWaiting());
  }

  static async start(...more: readonly string[]): Promise<Browser> {
    const browser = new Browser(await mkdtemp(join(tmpdir(), "tenki-browser-")), more);
    await browser.ask("Browser.getVersion");
    return browser;
  }

  async open(url: string): Promise<Page> {
    const { targetId } = (await this.ask("Target.createTarget", { url: "about:blank" })) as {
      targetId: string;
    };
    const attached = await this.ask("Target.attachToTarget", { targetId, flatten: true });
    const { sessionId } = attached as { sessionId: string };
    await this.ask("Network.enable", {}, sessionId);
    await this.ask("Page.navigate", { url }, sessionId);
    return new Page(this, sessionId);
  }

  ask(method: string, params: Parameters = {}, sessionId?: string): Promise<unknown> {
    const id = (this.#asked += 1);
    const answered = new Promise<unknown>((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result) : reject(new Error(`${method}: ${error.message}`)),
      );
    });
    (this.#child.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answered;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode === null) {
      const closed = once(this.#child, "close");
      this.#child.kill("SIGKILL");
      await closed;
    }
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  #hear(text: string): void {
    const messages = (this.#heard + text).split("\0");
    this.#heard = messages.pop() ?? "";
    for (const text of messages) {
      const message = JSON.parse(text) as Message;
      if (message.id === undefined) {
        this.#heed(message);
        continue;
      }
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    }
  }

  /**
   * A sandbox of another test's comes or goes with its link, and Chromium gives up all that it is loading, which it
   * repeats for a page, but not for what belongs to it.
   */
  #heed({ method, params, sessionId }: Message): void {
    if (method !== "Network.loadingFailed" || params?.errorText !== "net::ERR_NETWORK_CHANGED") return;
    this.ask("Page.reload", {}, sessionId).catch(() => undefined); // it has been closed
  }

  #endWaiting(): void {
    for (const answer of this.#waiting.values()) answer({ error: { message: "the browser has ended" } });
    this.#waiting.clear();
  }
}

export class Page {
  readonly #browser: Browser;
  readonly #sessionId: string;

  constructor(browser: Browser, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  /** What an expression, or a promise, comes to on the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.#ask("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    const { result, exceptionDetails } = answer as {
      result: { value: T };
      exceptionDetails?: { exception?: { description?: string } };
    };
    if (exceptionDetails === undefined) return result.value;
    throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? "failed"}`);
  }

  /** Until the page shows a text; it may load anew meanwhile. */
  async shows(text: string): Promise<void> {
    let words = "";
    await this.until(`"${text}"`, async () => {
      words = await this.evaluate<string>("document.body?.innerText ?? ''").catch(() => words);
      return words.includes(text);
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; it shows "${words}"`);
    });
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    const seen = await waitUntil(async () => ((await condition()) ? true : undefined), {
      timeoutMs: 30_000,
      intervalMs: 50,
    });
    if (seen === undefined) throw new Error(`the page never came to ${what}`);
  }

  async screenshot(path: string): Promise<void> {
    const { data } = (await this.#ask("Page.captureScreenshot", { format: "png" })) as { data: string };
    await writeFile(path, Buffer.from(data, "base64"));
  }

  #ask(method: string, params?: Parameters): Promise<unknown> {
    return this.#browser.ask(method, params, this.#sessionId);
  }
}
