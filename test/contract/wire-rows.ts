import { readContract, type Rows } from "./rows.js";

const lineForm = /^(?<indent> *)(?<word>#|service|message|enum|rpc|\d+) (?<rest>.+)$/;
const numberedKey = /^(?<owner>.+)\.(?<no>\d+)$/;

/** The contract's text as rows. A line that is not understood is an error, so that none is passed over. */
export function readWireRows(): Rows {
  const facts = new Map(readFacts());
  return new Map([...facts, ...listReserved([...facts.keys()])]);
}

function* readFacts(): Generator<[string, string]> {
  const lines = readContract("wire.txt");
  const start = lines.findIndex((line) => line.startsWith("# "));
  let [file, outer, nested] = ["", "", ""];
  for (const line of lines.slice(start).filter((text) => text !== "")) {
    const { indent = "", word = "", rest = "" } = lineForm.exec(line)?.groups ?? {};
    const outerName = outer.replace(/^\w+ /, "");
    if (word === "") {
      throw new Error(`wire.txt has a line that this test cannot read: ${line}`);
    } else if (word === "#") {
      file = rest.replace(/ .*$/, "");
      yield [`file ${file}`, rest.replace(/^.*\((.*)\)$/, "$1, proto3")];
    } else if (word === "rpc") {
      yield [`rpc ${outerName}.${rest.replace(/\(.*$/, "")}`, rest.replace(/^\w+/, "")];
    } else if (/\d/.test(word)) {
      yield [`${indent.length === 2 ? outer : nested}.${word}`, rest.replace("  [", " [")];
    } else if (indent === "") {
      outer = `${word} ${rest}`;
      yield [outer, file];
    } else {
      nested = `${word} ${outerName}.${rest}`;
      yield [nested, file];
    }
  }
}

/** A number that the contract leaves out is taken by something retired, and has to stay out of use. */
function listReserved(keys: readonly string[]): [string, string][] {
  const used = new Map<string, number[]>();
  for (const key of keys) {
    const { owner, no } = numberedKey.exec(key)?.groups ?? {};
    if (owner !== undefined) {
      used.set(owner, [...(used.get(owner) ?? []), Number(no)]);
    }
  }
  return [...used]
    .map(([owner, numbers]): [string, string] => [`reserved in ${owner}`, listGaps(numbers).join(" ")])
    .filter(([, gaps]) => gaps !== "");
}

function listGaps(numbers: readonly number[]): number[] {
  const all = Array.from({ length: Math.max(...numbers) }, (_, at) => at + 1);
  return all.filter((no) => !numbers.includes(no));
}
