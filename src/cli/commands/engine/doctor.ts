import { command } from "../../command.js";
import type { Outcome } from "../../command.js";
import { loadDoctor } from "../../local-engine/engine-door.js";
import { column, listView } from "../../output/view.js";

export const define = command({
  description:
    "Looks at what the engine needs of this machine, tries it where it can, and says what is missing and how to get it.\n" +
    "Looks as the user who asks: as root for an engine of root's, as an ordinary user for one without root.\n" +
    "The exit code is 1 where something is missing that the engine cannot do without.",
  examples: [["tenki engine doctor", "before the first start"]],
});

export async function run(): Promise<Outcome> {
  const { runDoctor } = await loadDoctor();
  const { mode, findings } = await runDoctor();
  const items = findings.map((finding) => ({
    ...finding,
    mode,
    verdict: verdict(finding),
    hint: finding.hint ?? null,
  }));
  const columns = [
    column("MODE", "mode"),
    column("CHECK", "name"),
    column("VERDICT", "verdict"),
    column("DETAIL", "detail"),
    column("HINT", "hint"),
  ];
  const lacking = findings.some(({ ok, required }) => required && !ok);
  return { view: listView(items, columns), exitCode: lacking ? 1 : 0 };
}

function verdict({ ok, required }: { readonly ok: boolean; readonly required: boolean }): string {
  if (ok) return "ok";
  return required ? "MISSING" : "without";
}
