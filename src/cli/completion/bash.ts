import type { Completion, FlagCompletion } from "./words.js";

/**
 * For bash 4 and later, without the bash-completion package: walks the words to the command that is typed, then
 * offers a flag's values, flags, or commands.
 */
export function bashCompletion(completions: readonly Completion[]): string {
  return `# bash completion for tenki: source <(tenki completion bash)
_tenki() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at='tenki' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [ "$word" = -- ] && return 0
    case "$at $word" in
${indent(completions.flatMap(steps), 6)}
    esac
  done
  case "$at $prev" in
${indent(completions.flatMap(values), 4)}
  esac
  case "$at" in
${indent(completions.map(offers), 4)}
  esac
}
complete -F _tenki tenki
`;
}

/** From a command to one below it, by its name or an alias. */
const steps = ({ path, commands }: Completion): string[] =>
  commands.map(
    ({ names }) => `${names.map((name) => `'${path} ${name}'`).join("|")}) at='${path} ${names[0] ?? ""}' ;;`,
  );

/** After a flag that takes a value. */
const values = ({ path, flags }: Completion): string[] =>
  flags
    .filter(({ takesValue }) => takesValue)
    .map((each) => `${patterns(path, each)}) ${reply(each)} return 0 ;;`);

const patterns = (path: string, { long, short }: FlagCompletion): string =>
  [long, short]
    .filter((name) => name !== undefined)
    .map((name) => `'${path} ${name}'`)
    .join("|");

function reply({ choices, completesFiles }: FlagCompletion): string {
  if (choices.length > 0) return `COMPREPLY=($(compgen -W '${choices.join(" ")}' -- "$cur"));`;
  return completesFiles ? 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"));' : "";
}

function offers({ path, commands, flags, words, completesFiles }: Completion): string {
  const flagWords = flags.map(({ long }) => long).join(" ");
  const others = [...commands.flatMap(({ names }) => names), ...words].join(" ");
  const files = completesFiles ? ' compopt -o filenames; COMPREPLY+=($(compgen -f -- "$cur"));' : "";
  return `'${path}')
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '${flagWords}' -- "$cur"))
  else COMPREPLY=($(compgen -W '${others}' -- "$cur"));${files} fi ;;`;
}

const indent = (lines: readonly string[], width: number): string =>
  lines
    .flatMap((line) => line.split("\n"))
    .map((line) => `${" ".repeat(width)}${line}`)
    .join("\n");
