import { tryProcess } from "../../../lib/process.js";
import type { KnownLink } from "./listed-link.js";

interface Dump {
  readonly nftables: readonly {
    readonly counter?: { readonly name: string; readonly packets: number };
    readonly set?: { readonly name: string; readonly elem?: readonly unknown[] };
  }[];
}

interface TimedElement {
  readonly elem: { readonly val: string; readonly expires: number };
}

/** What the kernel knows of the links that have a list, by the number of each. */
export async function readKnownLinks(
  table: string,
): Promise<(slot: { name: string; number: number }) => KnownLink | undefined> {
  const { exitCode, stdout } = await tryProcess(["nft", "-j", "list", "table", ...table.split(" ")]);
  if (exitCode !== 0) return () => undefined;
  const { nftables } = JSON.parse(stdout) as Dump;
  const sets = new Map(
    nftables.flatMap(({ set }) => (set === undefined ? [] : [[set.name, set.elem ?? []]])),
  );
  const counts = countsIn(nftables);
  const marks = new Map((sets.get("flows") ?? []).map((one) => (one as { concat: [string, number] }).concat));
  return ({ name, number }) => {
    const mark = marks.get(name);
    if (mark === undefined) return undefined;
    const admitted: Map<string, number>[] = [];
    for (let group = 0; sets.has(`names_${number}_${group}`); group += 1)
      admitted.push(readAdmitted(sets.get(`names_${number}_${group}`) ?? []));
    return { mark, admitted, refusedPackets: 0, refusedNames: 0, ...counts(number) };
  };
}

/** How much was refused to each link, as the kernel counts now; undefined where it does not. `enter`: where the table is. */
export async function readCounts(
  table: string,
  enter: readonly string[] = [],
): Promise<((number: number) => Counts) | undefined> {
  const question = ["nft", "-j", "list", "counters", "table", ...table.split(" ")];
  const { exitCode, stdout } = await tryProcess([...enter, ...question]);
  return exitCode === 0 ? countsIn((JSON.parse(stdout) as Dump).nftables) : undefined;
}

/** Without what is not counted there. */
type Counts = Partial<Pick<KnownLink, "refusedPackets" | "refusedNames">>;

function countsIn(nftables: Dump["nftables"]): (number: number) => Counts {
  const counters = new Map(
    nftables.flatMap(({ counter }) => (counter === undefined ? [] : [[counter.name, counter.packets]])),
  );
  return (number) => {
    const refusedPackets = counters.get(`refused_${number}`);
    const refusedNames = counters.get(`unnamed_${number}`);
    return {
      ...(refusedPackets === undefined ? {} : { refusedPackets }),
      ...(refusedNames === undefined ? {} : { refusedNames }),
    };
  };
}

function readAdmitted(elements: readonly unknown[]): Map<string, number> {
  const now = Date.now();
  return new Map(
    elements.map((one) => {
      const { val, expires } = (one as TimedElement).elem;
      return [val, now + expires * 1_000];
    }),
  );
}
