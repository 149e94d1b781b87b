import { type CommandGroup, type CommandNode, isGroup } from "../command.js";
import { nearestWord } from "../../lib/nearest-word.js";

/** A group of commands, and what is typed to get to it. */
export interface CommandPlace {
  readonly path: string;
  readonly group: CommandGroup;
}

/**
 * What a word that is no command here most likely meant: a word like it here, else a command of that name further
 * down (`tenki exec` → `tenki sandbox exec`) or elsewhere, else one further down with a name like it.
 */
export function suggestCommand(word: string, here: CommandPlace, root: CommandPlace): string | undefined {
  const names = Object.entries(here.group.commands).flatMap(([name, node]) => namesOf(name, node));
  return (
    nearestWord(word, names) ??
    pathsBelow(here).get(word) ??
    pathsBelow(root).get(word) ??
    nearestPath(word, pathsBelow(here))
  );
}

const namesOf = (name: string, { aliases = [] }: CommandNode): readonly string[] => [name, ...aliases];

function nearestPath(word: string, paths: ReadonlyMap<string, string>): string | undefined {
  const near = nearestWord(word, [...paths.keys()]);
  return near === undefined ? undefined : paths.get(near);
}

/** What is typed for each name below a place; of several of one name, the one that is the least far down. */
function pathsBelow(place: CommandPlace): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const queue: CommandPlace[] = [place]; ;) {
    const next = queue.shift();
    if (next === undefined) return paths;
    for (const [name, node] of Object.entries(next.group.commands)) {
      const path = `${next.path} ${name}`;
      for (const each of namesOf(name, node)) if (!paths.has(each)) paths.set(each, path);
      if (isGroup(node)) queue.push({ path, group: node });
    }
  }
}
