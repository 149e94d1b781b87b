import { constants } from "node:os";

const numbers: ReadonlyMap<string, number> = new Map(
  Object.entries(constants.signals).map(([name, number]) => [name.slice("SIG".length), number]),
);
/** As the C library counts them: it keeps the kernel's first two for itself. */
const realTime = { first: 34, last: 64 };

/** The number of a signal that is named without SIG: TERM, WINCH, RTMIN+3. */
export function numberSignal(name: string): number | undefined {
  const [, end, distance] = /^RT(MIN|MAX)([+-]\d{1,2})?$/.exec(name) ?? [];
  if (end === undefined) return numbers.get(name);
  const number = (end === "MIN" ? realTime.first : realTime.last) + Number(distance ?? 0);
  return number >= realTime.first && number <= realTime.last ? number : undefined;
}

/** Its name without SIG; a real-time signal has a number only. */
export function nameSignal(number: number): string {
  return [...numbers].find(([, candidate]) => candidate === number)?.[0] ?? String(number);
}
