import { homeDirectory } from "../../../domain/file.js";
import { resolveWorkingDirectory } from "../files/guest-path.js";
import type { SessionRecord } from "../ports/store.js";

/**
 * Where a command starts: where it says, or in the home directory. The SDKs' `fetchPR` is no operation of the
 * contract but `git fetch` and `git checkout`, often without a word on where: those are about the session's repository.
 */
export function workingDirectory(
  { argv, cwd }: { readonly argv: readonly string[]; readonly cwd: string },
  { repositoryDirectory }: Pick<SessionRecord, "repositoryDirectory">,
): string {
  const [program, operation] = argv;
  const wantsRepository = program === "git" && (operation === "fetch" || operation === "checkout");
  if (cwd === "" && wantsRepository) return repositoryDirectory ?? homeDirectory;
  return resolveWorkingDirectory(cwd);
}
