import { type CommandNode, isGroup } from "../../../src/cli/command.js";
import { commands } from "../../../src/cli/commands/index.js";

/** Every group and command as the words that lead to it, the root first. */
export function allPaths(node: CommandNode = commands, path: readonly string[] = []): (readonly string[])[] {
  if (!isGroup(node)) return [path];
  const below = Object.entries(node.commands).flatMap(([name, child]) => allPaths(child, [...path, name]));
  return [path, ...below];
}

/** What does something by itself: all commands, and groups that are one. */
export function leafPaths(node: CommandNode = commands, path: readonly string[] = []): (readonly string[])[] {
  if (!isGroup(node)) return [path];
  const below = Object.entries(node.commands).flatMap(([name, child]) => leafPaths(child, [...path, name]));
  return node.load === undefined ? below : [path, ...below];
}
