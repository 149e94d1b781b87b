/** Reads one word of the command line; all of them are in this room, so that the same word means the same everywhere. */
export interface Parser<T> {
  /** What the word should be: `duration`. */
  readonly noun: string;
  /** How to write one, for the message. */
  readonly expected: string;
  /** The words that are allowed, where they can be counted: for the help and completion. */
  readonly choices?: readonly string[];
  /** Not to be repeated in a message. */
  readonly isSecret?: boolean;
  /** Completion offers files. */
  readonly completesFiles?: boolean;
  /** Undefined: the word is none. */
  read(word: string): T | undefined;
}
