import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readProcessIdentity } from "../../../src/lib/process-identity.js";
import { mountsBelow } from "../../../src/lib/mount-table.js";
import { runProcess, tryProcess } from "../../../src/lib/process.js";
import { waitUntil } from "../../../src/lib/wait-until.js";
import { instanceIdOf } from "./host-state.js";

/** Kills an engine, and waits until it is gone; what it runs goes on. */
export async function killEngine(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until(() => !existsSync(`/proc/${pid}`));
}

/** What a loss of power does to an engine: its processes, mounts, cgroups and links are gone, its files are there. */
export async function loseMachine(dataDir: string, enginePid: number): Promise<void> {
  const instanceId = instanceIdOf(dataDir);
  await killEngine(enginePid);
  const inits = readdirSync(join(dataDir, "sessions")).map((id) => initOf(dataDir, id));
  for (const pid of inits) process.kill(pid, "SIGKILL");
  for (const cgroup of cgroups(instanceId)) thaw(cgroup);
  await until(() => inits.every((pid) => readProcessIdentity(pid) === undefined));
  for (const cgroup of cgroups(instanceId)) await until(() => removed(cgroup));
  // The kernel lets go of the images in the pool a while after the last of their mounts.
  for (const { mountPoint } of await mountsBelow(dataDir)) {
    await until(async () => (await tryProcess(["umount", mountPoint])).exitCode === 0);
  }
  for (const name of await namespaces(instanceId)) await runProcess(["ip", "netns", "delete", name]);
  await until(async () => (await links(instanceId)).length === 0);
}

const initOf = (dataDir: string, sessionId: string): number =>
  (JSON.parse(readFileSync(join(dataDir, "sessions", sessionId, "init.json"), "utf8")) as { pid: number })
    .pid;

/** Those of an instance, the deepest first. */
function cgroups(instanceId: string): string[] {
  const root = "/sys/fs/cgroup";
  const places = [root, ...readdirSync(root).map((name) => join(root, name))];
  const own = places.map((place) => join(place, `tenki-${instanceId}`)).filter((path) => existsSync(path));
  return own.flatMap((path) => [...below(path), path]);
}

const below = (directory: string): string[] =>
  readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name));

function thaw(cgroup: string): void {
  const [one, two] = [join(cgroup, "freezer.state"), join(cgroup, "cgroup.freeze")];
  if (existsSync(one)) writeFileSync(one, "THAWED");
  if (existsSync(two)) writeFileSync(two, "0");
}

function removed(cgroup: string): boolean {
  try {
    rmdirSync(cgroup);
    return true;
  } catch {
    return !existsSync(cgroup);
  }
}

const namespaces = (instanceId: string): Promise<string[]> => named(["ip", "netns", "list"], instanceId);
const links = (instanceId: string): Promise<string[]> => named(["ip", "-o", "link"], instanceId);

async function named(argv: readonly string[], part: string): Promise<string[]> {
  const lines = (await runProcess(argv)).split("\n").filter((line) => line.includes(part));
  return lines.map((line) => line.split(" ")[0] ?? "");
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const done = await waitUntil(async () => ((await condition()) ? true : undefined), { timeoutMs: 20_000 });
  if (done !== true) throw new Error(`it never came to that: ${condition.toString()}`);
}
