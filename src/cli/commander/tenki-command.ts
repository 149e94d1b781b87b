import { Command, type Option, type ParseOptionsResult } from "commander";
import { TenkiError } from "../../domain/error.js";
import { nearestWord } from "../../lib/nearest-word.js";

/**
 * commander's command with our own words: what it would print and exit with becomes a usage error whose
 * message begins with what was wrong and names the nearest right word.
 */
export class TenkiCommand extends Command {
  /** It runs a program of the user's, whose flags can be taken for its own. */
  takesProgram = false;

  override createCommand(name?: string): TenkiCommand {
    return new TenkiCommand(name);
  }

  /** All flags behind its first word are the program's. */
  passesOn = false;

  /** `--` stood before its first word. */
  startsWithDashes = false;

  /** What a word that is none of its commands most likely meant. */
  suggestCommand: (word: string) => string | undefined = () => undefined;

  /** What was typed to get here: `tenki sandbox create`. */
  get path(): string {
    return this.parent === null ? this.name() : `${(this.parent as TenkiCommand).path} ${this.name()}`;
  }

  refuse(message: string, hint = `${this.path} --help`): never {
    throw new TenkiError("usage", message, { hint });
  }

  /** `--flag=false` and `--flag=true` of a boolean are what `--no-flag` and `--flag` are. */
  override parseOptions(args: string[]): ParseOptionsResult {
    const words = this.#spellOut(args);
    const parsed = super.parseOptions(words);
    this.startsWithDashes = words[words.length - parsed.operands.length - parsed.unknown.length - 1] === "--";
    if (this.takesProgram && !this.#choosesCommand(words, parsed)) (this.commands as Command[]).splice(0);
    return parsed;
  }

  /** A command of its own is the first positional, and nothing before it says that a program follows. */
  #choosesCommand(words: readonly string[], { operands, unknown }: ParseOptionsResult): boolean {
    if (operands.length === 0) return true; // its help names them
    const at = words.length - unknown.length - 1;
    return operands.length === 1 && words[at] === operands[0] && words[at - 1] !== "--";
  }

  unknownCommand(): never {
    const [word = ""] = this.args;
    return this.refuse(`unknown command "${word}" for "${this.path}"${suggest(this.suggestCommand(word))}`);
  }

  unknownOption(word: string): never {
    const [name = word] = word.split("=");
    const names = this.options.flatMap((each) => (each.long != null && !each.hidden ? [each.long] : []));
    const near = name.startsWith("--") ? nearestWord(name, [...names, "--help"]) : undefined;
    const isPrograms = this.takesProgram && this.args[0]?.startsWith("-") === false;
    const hint = isPrograms
      ? `put -- before a program that takes flags: ${this.path} -- ${this.args[0]} ${word}`
      : this.passesOn
        ? `what is for the program stands behind the session, or behind --: ${this.path} SESSION ${word}`
        : undefined;
    return this.refuse(`unknown flag ${name} for "${this.path}"${suggest(near)}`, hint);
  }

  optionMissingArgument(option: Option): never {
    return this.refuse(`missing value for ${option.long ?? option.flags}`);
  }

  missingArgument(name: string): never {
    return this.refuse(`missing argument ${name} for "${this.path}"`);
  }

  _excessArguments(words: readonly string[]): never {
    if (this.commands.length > 0) this.unknownCommand();
    const word = words[this.registeredArguments.length] ?? "";
    return this.refuse(`unexpected argument "${word}" for "${this.path}"`);
  }

  #spellOut(args: readonly string[]): string[] {
    const end = args.includes("--") ? args.indexOf("--") : args.length;
    return args.map((word, at) => {
      const [, name = "", value = ""] = /^(--[a-z][a-z-]*)=(.*)$/s.exec(word) ?? [];
      const option = this.options.find((each) => each.long === name);
      if (at >= end || option?.isBoolean() !== true || this.#takesNext(args[at - 1])) return word;
      if (/^(true|yes|1)$/i.test(value)) return name;
      if (/^(false|no|0)$/i.test(value)) return `--no-${name.slice(2)}`;
      return this.refuse(`invalid value "${value}" for ${name}: expected true or false`);
    });
  }

  /** The word after this one is its value, whatever it looks like. */
  #takesNext(word: string | undefined): boolean {
    return (
      word !== undefined &&
      this.options.some((each) => each.required && [each.long, each.short].includes(word))
    );
  }
}

const suggest = (word: string | undefined): string => (word === undefined ? "" : `, did you mean ${word}?`);
