import type { Context } from "./context.js";
import type { ArgumentSpec, FlagSpec } from "./flags/flag.js";
import type { View } from "./output/view.js";

/**
 * What a command takes, as data: parsing, help, documents and completion are made from it. Its summary and
 * its aliases are in `commands/index.ts`, so that a list of commands loads none of them.
 */
export interface CommandDefinition {
  /** What the summary does not say: whole sentences, one per line of thought. */
  readonly description?: string;
  /** Adds `--session`, and a positional `[SESSION]` where there is no other; `ctx.session(options.session)`. */
  readonly needsSession?: boolean;
  /** Positionals in their order. */
  readonly arguments?: Readonly<Record<string, ArgumentSpec<unknown>>>;
  /** By their option's name: `memoryMb` is `--memory-mb`. */
  readonly flags?: Readonly<Record<string, FlagSpec<unknown>>>;
  /** What to type, and what it does. */
  readonly examples?: readonly (readonly [command: string, what: string])[];
  /** It ends with the code of a command that it runs: a failure of tenki's own is 125. */
  readonly runsCommand?: boolean;
  /**
   * Of its words the first is the session, unless `--session` or `--` stands before it; all others, flags too, are
   * for the program that it runs. Needs one variadic argument.
   */
  readonly passesOn?: boolean;
}

/** Gives a definition its exact type, from which `OptionsOf` makes the options. */
export const command = <const D extends CommandDefinition>(definition: D): D => definition;

type FlagValues<F> = { readonly [K in keyof F]: F[K] extends FlagSpec<infer T> ? T : never };
type ArgumentValues<A> = { readonly [K in keyof A]: A[K] extends ArgumentSpec<infer T> ? T : never };

/** What `run` gets: a value for every flag and argument of the definition. */
export type OptionsOf<D extends CommandDefinition> = FlagValues<D["flags"]> &
  ArgumentValues<D["arguments"]> &
  (D["needsSession"] extends true ? { readonly session: string | undefined } : unknown);

/** What a command has to say: what is shown, and where it differs from 0, the code that it ends with. */
export interface Outcome {
  readonly view?: View | undefined;
  readonly exitCode?: number | undefined;
  /** Reported after the view: a part was done, and a part was not. */
  readonly error?: Error | undefined;
}

export type Result = View | Outcome | undefined;

/** What a file `commands/<noun>/<verb>.ts` exports. */
export interface CommandModule {
  readonly define: CommandDefinition;
  /** `never`: each has options of its own, which the binder makes from its own definition. */
  run(options: never, ctx: Context): Promise<Result>;
}

/** One command in the list of commands; its module is loaded when it is chosen. */
export interface CommandLeaf {
  readonly summary: string;
  readonly aliases?: readonly string[];
  load(): Promise<CommandModule>;
}

export interface CommandGroup {
  readonly summary: string;
  readonly aliases?: readonly string[];
  readonly description?: string;
  readonly commands: Readonly<Record<string, CommandLeaf | CommandGroup>>;
  /** What it does where none of its commands is the first word: it is a command as well. Default: show its help. */
  load?(): Promise<CommandModule>;
}

export type CommandNode = CommandLeaf | CommandGroup;

export const isGroup = (node: CommandNode): node is CommandGroup => "commands" in node;
