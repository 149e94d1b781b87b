import { command } from "../../command.js";
import type { Outcome } from "../../command.js";
import { loadDoctor } from "../../local-engine/engine-door.js";
import { column } from "../../output/view.js";

export const define = command({
  description:
    "Looks at what the engine needs of this machine, tries it where it can, and says what is missing and how to get it.\n" +
    "Looks as the user who asks: as root for an engine of root's, as an ordinary user for one without root.\n" +
    "The last line says which of them this machine gives: root, rootless or none.\n" +
    "The exit code is 1 where something is missing that the engine cannot do without.",
  examples: [
    ["tenki engine doctor", "before the first start"],
    ["tenki engine doctor --json | jq -r .gives", "root, rootless or none, for a program"],
  ],
});

export async function run(): Promise<Outcome> {
  const { runDoctor } = await loadDoctor();
  const { mode, findings } = await runDoctor();
  const checks = findings.map((finding) => ({
    ...finding,
    verdict: verdict(finding),
    hint: finding.hint ?? null,
  }));
  const missing = namesOf(findings.filter(({ ok, required }) => required && !ok));
  const without = namesOf(findings.filter(({ ok, required }) => !required && !ok));
  const gives = missing.length === 0 ? mode : "none";
  const columns = [
    column("CHECK", "name"),
    column("VERDICT", "verdict"),
    column("DETAIL", "detail"),
    column("HINT", "hint"),
  ];
  const fields = { asked_as: mode, gives, missing, without, checks };
  const lacks = [list("missing", missing), list("without", without)];
  const summary = `gives: ${gives}${lacks.join("")}`;
  return {
    view: { kind: "report", fields, items: checks, columns, summary },
    exitCode: missing.length === 0 ? 0 : 1,
  };
}

type Named = { readonly name: string };

const namesOf = (findings: readonly Named[]): string[] => findings.map(({ name }) => name);

const list = (what: string, names: readonly string[]): string =>
  names.length === 0 ? "" : `; ${what}: ${names.join(", ")}`;

function verdict({ ok, required }: { readonly ok: boolean; readonly required: boolean }): string {
  if (ok) return "ok";
  return required ? "MISSING" : "without";
}
