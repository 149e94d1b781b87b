import { CommanderError, Option } from "commander";
import { type CommandGroup, type CommandLeaf, type CommandModule, isGroup } from "./command.js";
import { describeHelp } from "./commander/help.js";
import {
  argumentsOf,
  bindOptions,
  commonFlagsOf,
  flagsOf,
  registerArguments,
  registerFlags,
} from "./commander/register.js";
import { suggestCommand } from "./commander/suggest-command.js";
import { TenkiCommand } from "./commander/tenki-command.js";
import { commonFlags, type GivenCommon } from "./flags/common.js";
import { flagName } from "./flags/flag.js";

/** What the words of a command line ask for; `common` holds the common flags in the order of the line. */
export type Request =
  | { readonly kind: "help"; readonly text: string }
  | { readonly kind: "version"; readonly common: readonly GivenCommon[] }
  | {
      readonly kind: "command";
      /** What was typed to name it: `tenki sandbox create`. */
      readonly path: string;
      readonly module: CommandModule;
      readonly options: Record<string, unknown>;
      readonly common: readonly GivenCommon[];
    };

/** Reads the words with commander; of all the commands' modules only the chosen one's is loaded. */
export async function readRequest(
  root: CommandGroup,
  argv: readonly string[],
  width: number,
): Promise<Request> {
  let help = "";
  const reader = new Reader(root);
  const program = new TenkiCommand("tenki")
    .exitOverride()
    .helpCommand(false)
    .enablePositionalOptions()
    .configureOutput({ writeOut: (text) => void (help += text), getOutHelpWidth: () => width });
  reader.fillGroup(program, root);
  try {
    await program.parseAsync(askForHelp(root, argv), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
  return reader.request ?? { kind: "help", text: help };
}

/** `help` in place of a command asks about what stands around it: `help sandbox exec`, `sandbox help exec`. */
function askForHelp(root: CommandGroup, argv: readonly string[]): string[] {
  let node: CommandGroup | CommandLeaf | undefined = root;
  let asked = false;
  const path: string[] = [];
  for (const word of argv) {
    if (node === undefined || !isGroup(node)) break;
    if (word === "help" && !asked) asked = true;
    else {
      path.push(word);
      node = findCommand(node, word);
    }
  }
  if (!asked) return [...argv];
  return node === undefined ? path : [...path, "--help"]; // what is no command is told as such
}

const findCommand = ({ commands }: CommandGroup, word: string): CommandGroup | CommandLeaf | undefined =>
  Object.entries(commands).find(([name, { aliases = [] }]) => name === word || aliases.includes(word))?.[1];

class Reader {
  request: Request | undefined;
  readonly #root: CommandGroup;

  constructor(root: CommandGroup) {
    this.#root = root;
  }

  /** The commands of a group, each without its flags until it is chosen. */
  fillGroup(target: TenkiCommand, group: CommandGroup): void {
    this.#addCommands(target, group);
    registerFlags(target, "Common flags:", commonFlags, { hidden: target.parent !== null });
    target.addHelpOption(new Option("-h, --help", "show this").helpGroup("Common flags:"));
    describeHelp(target, {
      summary: group.summary,
      description: group.description,
      usage: "<command> [flags]",
    });
    target.action(() => this.#chooseGroup(target));
  }

  #addCommands(target: TenkiCommand, group: CommandGroup): void {
    target.suggestCommand = (word) =>
      suggestCommand(word, { path: target.path, group }, { path: "tenki", group: this.#root });
    const children = new Map<unknown, CommandGroup | CommandLeaf>();
    for (const [name, node] of Object.entries(group.commands)) {
      const child = target
        .command(name)
        .summary(node.summary)
        .aliases([...(node.aliases ?? [])]);
      children.set(child, node);
    }
    target.hook("preSubcommand", async (_, chosen) => {
      const node = children.get(chosen);
      if (node !== undefined) await this.#fill(chosen as TenkiCommand, node);
    });
  }

  async #fill(target: TenkiCommand, node: CommandGroup | CommandLeaf): Promise<void> {
    if (!isGroup(node)) return this.#fillLeaf(target, node, await node.load());
    if (node.load === undefined) return this.fillGroup(target, node);
    const module = await node.load();
    this.#addCommands(target, node);
    this.#fillLeaf(target, node, module);
    target.hook("preSubcommand", (_, chosen) => refuseOwnFlags(target, chosen.name(), module));
  }

  #chooseGroup(target: TenkiCommand): void {
    if (target.getOptionValue("version") !== true) target.help();
    this.request = { kind: "version", common: givenCommon(target) };
  }

  #fillLeaf(
    target: TenkiCommand,
    leaf: Pick<CommandLeaf, "summary" | "aliases">,
    module: CommandModule,
  ): void {
    const { define } = module;
    target.takesProgram = define.runsCommand === true;
    target.passesOn = define.passesOn === true;
    target.passThroughOptions(target.passesOn);
    registerArguments(target, argumentsOf(define));
    registerFlags(target, "Flags:", flagsOf(define));
    registerFlags(target, "Common flags:", commonFlagsOf(define));
    target.addHelpOption(new Option("-h, --help", "show this").helpGroup("Common flags:"));
    describeHelp(target, { summary: leaf.summary, aliases: leaf.aliases, ...define });
    target.action(() => {
      const common = givenCommon(target, define.flags);
      if (target.getOptionValue("version") === true) this.request = { kind: "version", common };
      else
        this.request = {
          kind: "command",
          path: target.path,
          module,
          options: bindOptions(target, define),
          common,
        };
    });
  }
}

/** A flag for the program that `exec` runs is none for what is done with those that run. */
function refuseOwnFlags(target: TenkiCommand, chosen: string, { define }: CommandModule): void {
  const given = Object.keys(flagsOf(define)).find((key) => target.getOptionValueSource(key) === "cli");
  if (given === undefined) return;
  target.refuse(
    `unexpected flag --${flagName(given)} before "${chosen}"`,
    `${target.path} ${chosen} --help; or ${target.path} -- ${chosen} for a program of that name`,
  );
}

/** The common flags as given at the root, at the group and at the command itself, which may have its own. */
function givenCommon(target: TenkiCommand, own: object = {}): GivenCommon[] {
  const above = target.parent === null ? [] : givenCommon(target.parent as TenkiCommand);
  const keys = Object.keys(commonFlags).filter((key) => !(key in own));
  return [...above, Object.fromEntries(keys.map((key) => [key, target.getOptionValue(key)]))];
}
