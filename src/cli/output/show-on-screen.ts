import type { InputStream, Io, OutputStream } from "../io.js";
import { textOf } from "./text-of.js";
import type { Screen, View } from "./view.js";
import { writeBytes } from "./write.js";

/** Another page of the terminal, without a cursor; leaving it brings back what was there. */
const enter = "\u001b[?1049h\u001b[?25l\u001b[H\u001b[2J";
const leave = "\u001b[?25h\u001b[?1049l";

/** Shows one view over the other until they end, q is pressed, or a signal comes; the terminal is as before then. */
export async function showOnScreen(
  views: AsyncIterable<View>,
  screen: Screen,
  io: Io,
  options: { readonly interrupt: () => void; readonly signal: AbortSignal },
): Promise<void> {
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  const quit = () => {
    screen.quit();
    over.abort();
  };
  const letGo = takeKeys(io.stdin, { q: quit, Q: quit, "\u0003": options.interrupt });
  const frame = new Frame(screen.title, io.stdout);
  const draw = () => void frame.draw().catch(quit);
  io.stdout.on("resize", draw);
  const iterator = views[Symbol.asyncIterator]();
  try {
    await writeBytes(io.stdout, enter);
    for (;;) {
      const next = await unlessAborted(iterator.next(), signal);
      if (next === undefined || next.done === true) return;
      await frame.show(next.value);
    }
  } finally {
    io.stdout.off("resize", draw);
    letGo();
    void iterator.return?.().catch(() => undefined); // it ends when what it waits for does
    await writeBytes(io.stdout, leave).catch(() => undefined); // a terminal that is gone needs no restoring
  }
}

/** Reads keys one by one, unseen, where somebody can press any. */
function takeKeys(stdin: InputStream, keys: Readonly<Record<string, () => void>>): () => void {
  if (stdin.isTTY !== true) return () => undefined;
  const onData = (data: Buffer) => {
    for (const key of data.toString("latin1")) keys[key]?.();
  };
  stdin.setRawMode?.(true);
  stdin.on("data", onData);
  return () => {
    stdin.off("data", onData);
    stdin.setRawMode?.(false);
    stdin.pause();
  };
}

/** What is shown now, and drawn again when the terminal gets another size. */
class Frame {
  readonly #title: string;
  readonly #stdout: OutputStream;
  #view: View | undefined;

  constructor(title: string, stdout: OutputStream) {
    this.#title = title;
    this.#stdout = stdout;
  }

  show(view: View): Promise<void> {
    this.#view = view;
    return this.draw();
  }

  /** Over what is there, line by line: nothing flickers. */
  async draw(): Promise<void> {
    const view = this.#view;
    if (view === undefined || view.kind === "live" || view.kind === "done") return;
    const { columns = 80, rows = 24 } = this.#stdout;
    const text = textOf(view, { stdout: this.#stdout }).trimEnd();
    const lines = fitRows([this.#title, "", ...text.split("\n")], rows);
    const drawn = lines.map((line) => `\u001b[2K${line.slice(0, columns)}`).join("\r\n");
    // Erasing behind a line that is full would take its last character.
    const below = lines.length < rows ? "\r\n\u001b[J" : "";
    await writeBytes(this.#stdout, `\u001b[H${drawn}${below}`);
  }
}

/** What does not fit is counted. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  if (lines.length <= rows) return lines;
  const shown = lines.slice(0, Math.max(1, rows - 1));
  return [...shown, `… ${lines.length - shown.length} more`];
}

/** Undefined where the signal comes first: what is waited for may take its time, and nobody waits for it. */
async function unlessAborted<T>(waiting: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  waiting.catch(() => undefined);
  if (signal.aborted) return undefined;
  let stop: () => void = () => undefined;
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([waiting, aborted]).finally(() => signal.removeEventListener("abort", stop));
}
