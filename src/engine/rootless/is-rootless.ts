import { readFileSync } from "node:fs";

/** True where this process is root only inside a user namespace. */
export function isRootless(): boolean {
  const [inside, outside, count] = readFileSync("/proc/self/uid_map", "utf8").trim().split(/\s+/);
  return !(inside === "0" && outside === "0" && count === "4294967295");
}
