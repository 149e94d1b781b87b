import { command, type OptionsOf } from "../command.js";
import type { Completion } from "../completion/words.js";
import { required } from "../flags/flag.js";
import { oneOf } from "../flags/parsers/words.js";
import { textView, type View } from "../output/view.js";

export const define = command({
  arguments: { shell: required("SHELL", "bash, zsh or fish", oneOf("shell", ["bash", "zsh", "fish"])) },
  examples: [
    ["source <(tenki completion bash)", "in ~/.bashrc"],
    ["source <(tenki completion zsh)", "in ~/.zshrc, after compinit"],
    ["tenki completion fish > ~/.config/fish/completions/tenki.fish", "once"],
  ],
});

export async function run({ shell }: OptionsOf<typeof define>): Promise<View> {
  const [{ commands }, { describe, flatten }, { completionOf }] = await Promise.all([
    import("./index.js"),
    import("../reference/describe.js"),
    import("../completion/words.js"),
  ]);
  const completions = flatten(await describe(commands, ["tenki"])).map(completionOf);
  const script = await writers[shell](completions);
  return textView(script, { shell, script });
}

type Writer = (completions: readonly Completion[]) => Promise<string>;

const writers: Readonly<Record<"bash" | "zsh" | "fish", Writer>> = {
  bash: async (completions) => (await import("../completion/bash.js")).bashCompletion(completions),
  zsh: async (completions) => (await import("../completion/zsh.js")).zshCompletion(completions),
  fish: async (completions) => (await import("../completion/fish.js")).fishCompletion(completions),
};
