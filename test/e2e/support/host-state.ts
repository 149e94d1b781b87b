import { createHash } from "node:crypto";
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";
import { tryProcess } from "../../../src/lib/process.js";

/** Everything on the host that carries an engine's name, as lines that can be compared and read. */
export async function hostState(dataDir: string, instanceId: string): Promise<string[]> {
  const real = realpathSync(dataDir);
  const network = await Promise.all([
    lines(["ip", "-o", "link"]),
    lines(["ip", "netns", "list"]),
    lines(["nft", "list", "tables"]),
    lines(["iptables-save"]),
    lines(["losetup", "-a"]),
  ]);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const found = [...network.flat(), ...mounts].filter(
    (line) => line.includes(instanceId) || line.includes(real),
  );
  return [...found, ...cgroups(instanceId), ...processes(real)].sort();
}

/** The short hash of the data directory that names what lies outside it. */
export const instanceIdOf = (dataDir: string): string =>
  createHash("sha256").update(realpathSync(dataDir)).digest("hex").slice(0, 8);

async function lines(argv: readonly string[]): Promise<string[]> {
  const { stdout } = await tryProcess(argv).catch(() => ({ stdout: "" }));
  return stdout.split("\n");
}

function cgroups(instanceId: string): string[] {
  const walk = (directory: string, depth: number): string[] =>
    depth === 0
      ? []
      : readdirSync(directory, { withFileTypes: true })
          .filter((entry) => entry.isDirectory())
          .flatMap((entry) => [
            `${directory}/${entry.name}`,
            ...walk(`${directory}/${entry.name}`, depth - 1),
          ]);
  return walk("/sys/fs/cgroup", 4).filter((path) => basename(path).includes(instanceId));
}

function processes(dataDir: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return commandLine.includes(dataDir) ? [`process ${commandLine}`] : [];
      } catch {
        return []; // it ended while we looked
      }
    });
}
