import type { Completion, FlagCompletion } from "./words.js";

/** For fish: one `complete` per word, each under the condition that its command is typed. */
export function fishCompletion(completions: readonly Completion[]): string {
  return `# fish completion for tenki: tenki completion fish | source
function __tenki_at
    set -l at tenki
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
${completions
  .flatMap(steps)
  .map((line) => `            ${line}`)
  .join("\n")}
        end
    end
    test "$at" = "$argv"
end
complete -c tenki -f
${completions.flatMap(offers).join("\n")}
`;
}

const steps = ({ path, commands }: Completion): string[] =>
  commands.flatMap(({ names }) => [
    `case ${names.map((name) => `'${path} ${name}'`).join(" ")}`,
    `    set at '${path} ${names[0] ?? ""}'`,
  ]);

function offers(completion: Completion): string[] {
  const begin = `complete -c tenki -n ${quote(`__tenki_at ${completion.path}`)}`;
  const commands = completion.commands.flatMap(({ names, summary }) =>
    names.map((name) => `${begin} -a ${name} -d ${quote(summary)}`),
  );
  const words = completion.words.map((word) => `${begin} -a ${word}`);
  const files = completion.completesFiles ? [`${begin} -F`] : [];
  return [...commands, ...words, ...files, ...completion.flags.map((flag) => `${begin} ${flagOf(flag)}`)];
}

function flagOf({ long, short, summary, takesValue, choices, completesFiles }: FlagCompletion): string {
  const names = [`-l ${long.slice(2)}`, ...(short === undefined ? [] : [`-s ${short.slice(1)}`])];
  // -x: nothing but what is offered; -r would offer files beside it.
  const value = takesValue ? [completesFiles ? "-r" : "-x"] : [];
  const words = choices.length > 0 ? [`-a ${quote(choices.join(" "))}`] : [];
  const files = completesFiles ? ["-F"] : [];
  return [...names, ...value, ...words, ...files, `-d ${quote(summary)}`].join(" ");
}

const quote = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
