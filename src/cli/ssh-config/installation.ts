import { TenkiError } from "../../domain/error.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import { withFileLock } from "../../lib/file-lock.js";
import type { Context } from "../context.js";
import { sshPaths } from "../ssh/ssh-paths.js";
import { includedState, type IncludedState, includedText } from "./included-file.js";
import { findBlock, type FoundBlock, withBlock } from "./managed-block.js";
import { backUp, readIfThere, readUserConfig, replaceUserConfig, type UserConfig } from "./user-config.js";

/** What is there: in the user's file, and in the one that it includes. */
export interface Installation {
  readonly user: UserConfig;
  readonly block: FoundBlock;
  readonly included: {
    readonly path: string;
    readonly text: string | undefined;
    readonly state: IncludedState;
  };
}

export async function inspect(named: string | undefined, ctx: Context): Promise<Installation> {
  const user = await readUserConfig(named, ctx);
  const path = sshPaths(ctx.io).config;
  const text = await readIfThere(path);
  const state = includedState(text, includedText(ctx.io));
  return { user, block: findBlock(user.text ?? "", path), included: { path, text, state } };
}

/** Runs `change` upon what is there, as the only one who does; what somebody edited is left alone unless forced. */
export async function changeInstallation<T>(
  { file, force }: { readonly file: string | undefined; readonly force: boolean | undefined },
  ctx: Context,
  change: (found: Installation) => Promise<T>,
): Promise<T> {
  return withFileLock(sshPaths(ctx.io).config, async () => {
    const found = await inspect(file, ctx);
    if (force !== true) refuseEdited(found);
    return change(found);
  });
}

/** Writes what is not as it should be; false: everything was. */
export async function install({ user, block, included }: Installation, ctx: Context): Promise<boolean> {
  if (included.state !== "current") await writeFileAtomic(included.path, includedText(ctx.io), 0o600);
  if (block.state !== "current") {
    const madeFile = user.text === undefined || block.madeFile;
    await backUp(user);
    await replaceUserConfig(user, withBlock(block.rest, included.path, madeFile));
  }
  return included.state !== "current" || block.state !== "current";
}

function refuseEdited({ user, block, included }: Installation): void {
  if (block.state === "edited") throw edited(`tenki's part of ${user.path}`);
  if (included.state === "edited") throw edited(included.path);
}

const edited = (what: string): TenkiError =>
  new TenkiError("failed_precondition", `${what} was edited, and is left as it is`, {
    hint: "--force writes it anew, or takes it out",
  });
