import type { Completion, FlagCompletion } from "./words.js";

/** For zsh: walks the words to the command that is typed, then hands flags and words to `_arguments`. */
export function zshCompletion(completions: readonly Completion[]): string {
  return `#compdef tenki
# zsh completion for tenki: source <(tenki completion zsh)
_tenki() {
  local at=tenki word i depth=1
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    case "$at $word" in
${completions
  .flatMap(steps)
  .map((line) => `      ${line}`)
  .join("\n")}
    esac
  done
  words=($words[1] $words[depth+1,-1])
  ((CURRENT -= depth - 1))
  case "$at" in
${completions.map(offers).join("\n")}
  esac
}
${completions
  .filter(({ commands }) => commands.length > 0)
  .map(commandList)
  .join("\n")}
compdef _tenki tenki
`;
}

const steps = ({ path, commands }: Completion): string[] =>
  commands.map(({ names }) => {
    const patterns = names.map((name) => quote(`${path} ${name}`)).join("|");
    return `${patterns}) at=${quote(`${path} ${names[0] ?? ""}`)}; depth=$i ;;`;
  });

function offers(completion: Completion): string {
  const flags = completion.flags.flatMap(flagSpecs).map((each) => `      ${quote(each)} \\`);
  return [
    `    ${quote(completion.path)}) _arguments -s -S \\`,
    ...flags,
    `      ${quote(argumentSpec(completion))} ;;`,
  ].join("\n");
}

function flagSpecs({ long, short, summary, takesValue, choices, completesFiles }: FlagCompletion): string[] {
  const value = takesValue ? `:value:${actionOf(choices, completesFiles)}` : "";
  return [long, short].flatMap((name) =>
    name === undefined ? [] : [`*${name}[${escape(summary)}]${value}`],
  );
}

/** No words. A lone space would do the same, and keep zsh from completing a flag that only one thing fits. */
const nothing = "()";

function actionOf(choices: readonly string[], completesFiles: boolean): string {
  if (choices.length > 0) return `(${choices.join(" ")})`;
  return completesFiles ? "_files" : nothing;
}

function argumentSpec({ path, commands, words, completesFiles }: Completion): string {
  if (commands.length > 0) return `*:command:${functionName(path)}`;
  if (words.length > 0) return `*:argument:(${words.join(" ")})`;
  return completesFiles ? "*:file:_files" : `*:argument:${nothing}`;
}

function commandList({ path, commands }: Completion): string {
  const entries = commands.flatMap(({ names, summary }) =>
    names.map((name) => `    ${quote(`${name}:${escape(summary)}`)}`),
  );
  return `${functionName(path)}() {\n  local -a commands=(\n${entries.join("\n")}\n  )\n  _describe command commands\n}`;
}

const functionName = (path: string): string => `__${path.replaceAll(/[^a-z]/g, "_")}_commands`;

const escape = (text: string): string => text.replaceAll(/[[\]:\\]/g, "\\$&");

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
