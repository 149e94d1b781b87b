import type { Io } from "../io.js";
import { jsonText } from "./json.js";
import { type Shown, textOf } from "./text-of.js";
import type { Value, View } from "./view.js";
import { writeBytes } from "./write.js";

export interface RenderOptions {
  readonly output: "text" | "json" | "yaml";
  readonly quiet: boolean;
  /** Who shows in one place holds the keyboard, Ctrl-C too. */
  readonly interrupt: () => void;
  readonly signal: AbortSignal;
}

/** Somebody looks, at something that can be written over. */
export const isScreen = ({ stdout, env }: Pick<Io, "stdout" | "env">): boolean =>
  stdout.isTTY === true && stdout.columns !== 0 && env["TERM"] !== "dumb";

/** The one place that shows what a command returns. */
export async function render(view: View, io: Io, options: RenderOptions): Promise<void> {
  if (view.kind === "live") {
    if (view.screen !== undefined && options.output === "text" && isScreen(io)) {
      const { showOnScreen } = await import("./show-on-screen.js");
      return showOnScreen(view.views, view.screen, io, options);
    }
    for await (const each of view.views) await renderOne(each, io, options, true);
    return;
  }
  await renderOne(view, io, options, false);
}

async function renderOne(view: View, io: Io, options: RenderOptions, live: boolean): Promise<void> {
  if (view.kind === "live") throw new TypeError("a live view inside a live view");
  if (options.output === "json") return writeBytes(io.stdout, jsonText(valueOf(view), { compact: live }));
  if (options.output === "yaml") {
    const { yamlText } = await import("./yaml.js");
    return writeBytes(io.stdout, `${live ? "---\n" : ""}${yamlText(valueOf(view))}`);
  }
  if (view.kind !== "done") return writeBytes(io.stdout, textOf(view, io));
  if (!options.quiet) await writeBytes(io.stderr, `${view.message}\n`);
}

function valueOf(view: Shown): Value {
  if (view.kind === "list") return view.items;
  return view.kind === "text" ? view.value : view.fields;
}
