import { readFileSync } from "node:fs";

/** Facts by what they are about: `field Volume.4` → `int64 size_bytes`. */
export type Rows = ReadonlyMap<string, string>;

/** Tests are run from the package's root, where the text files are; what is compiled lies elsewhere. */
export function readContract(name: "wire.txt" | "rules.txt"): string[] {
  return readFileSync(`test/contract/${name}`, "utf8").split("\n");
}

/** Every disagreement in either direction, in words; empty when both say the same. */
export function listDifferences(contract: Rows, built: Rows): string {
  const missing = [...contract]
    .filter(([key]) => !built.has(key))
    .map(([key, text]) => `missing: ${key}: ${text}`);
  const extra = [...built]
    .filter(([key]) => !contract.has(key))
    .map(([key, text]) => `not in the contract: ${key}: ${text}`);
  const changed = [...contract].flatMap(([key, text]) => {
    const found = built.get(key);
    return found === undefined || found === text ? [] : [`${key}: the contract says ${text}, it is ${found}`];
  });
  return [...missing, ...extra, ...changed].join("\n");
}
