import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { waitUntil } from "../../lib/wait-until.js";

/** How a cgroup is told to stand still, and says that it does. */
export interface Freezer {
  /** The hierarchy that has it. */
  readonly root: string;
  readonly file: string;
  readonly freeze: string;
  readonly thaw: string;
  /** Where it is told that all stand still: a file, and the line in it. */
  readonly frozen: readonly [file: string, line: string];
}

/** Version 1 has a hierarchy of its own for it. */
export const freezerV1 = (root: string): Freezer => ({
  root,
  file: "freezer.state",
  freeze: "FROZEN",
  thaw: "THAWED",
  frozen: ["freezer.state", "FROZEN"],
});

export const freezerV2 = (root: string): Freezer => ({
  root,
  file: "cgroup.freeze",
  freeze: "1",
  thaw: "0",
  frozen: ["cgroup.events", "frozen 1"],
});

const freezeTimeoutMs = 5_000;

/** Resolves when every process in the cgroup stands still; where one will not, all run on. */
export async function freezeCgroup(freezer: Freezer, path: string): Promise<void> {
  const [file, line] = freezer.frozen;
  const still = await waitUntil(
    async () => {
      // Version 1 misses what forks at that moment until it is told again.
      await tell(freezer, path, freezer.freeze);
      const said = await readFile(join(freezer.root, path, file), "utf8");
      return said.split("\n").includes(line) ? true : undefined;
    },
    { timeoutMs: freezeTimeoutMs, intervalMs: 1 },
  );
  if (still === true) return;
  await tell(freezer, path, freezer.thaw);
  throw new TenkiError(
    "internal",
    `the sandbox's processes did not stand still within ${freezeTimeoutMs} ms`,
  );
}

export const thawCgroup = (freezer: Freezer, path: string): Promise<void> =>
  tell(freezer, path, freezer.thaw);

/** True from when it was told to stand still; false where there is none. */
export async function isFrozen(freezer: Freezer, path: string): Promise<boolean> {
  const said = await readFile(join(freezer.root, path, freezer.file), "utf8").catch(() => freezer.thaw);
  return said.trim() !== freezer.thaw;
}

/** Said where processes cannot be made to stand still. */
export const noFreezer = (cause?: unknown): TenkiError =>
  new TenkiError("failed_precondition", "sessions cannot be paused here: the engine has no cgroup freezer", {
    hint: "run the engine as root, or with a cgroup that has one",
    cause,
  });

async function tell(freezer: Freezer, path: string, word: string): Promise<void> {
  try {
    await writeFile(join(freezer.root, path, freezer.file), word, { flag: "r+" });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENODEV" || code === "ENOENT") {
      throw new TenkiError("unavailable", "the sandbox does not answer", { cause });
    }
    throw noFreezer(cause);
  }
}
