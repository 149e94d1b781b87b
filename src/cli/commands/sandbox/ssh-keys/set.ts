import { TenkiError } from "../../../../domain/error.js";
import { command, type OptionsOf } from "../../../command.js";
import type { Context } from "../../../context.js";
import { readKeysFile, textFile } from "../../../env-file.js";
import { requiredFlag } from "../../../flags/flag.js";
import { localFile } from "../../../flags/parsers/paths.js";
import { doneView, type View } from "../../../output/view.js";

export const define = command({
  description:
    "Replaces all keys that may log in to the session besides certificates; in force for the next connection.",
  needsSession: true,
  flags: { keysFile: requiredFlag("FILE", "public keys, one a line; - is stdin", localFile) },
  examples: [["tenki sandbox ssh-keys set --keys-file ~/.ssh/id_ed25519.pub", "let one key in"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<View> {
  const keys = await readKeysFile(textFile(options.keysFile, ctx));
  if (keys.length === 0) throw new TenkiError("usage", `there is no key in ${options.keysFile}`);
  const session = await ctx.session(options.session);
  await session.updateSshAuthorizedKeys(keys);
  const count = `${keys.length} ${keys.length === 1 ? "key" : "keys"}`;
  return doneView(`${count} may log in to ${session.id}`, { session_id: session.id, keys });
}
