import { truncate, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { startDocker, type DockerPeer } from "./docker.js";
import { startWebPeer, timeDownload, timeRequests, timeUpload, type WebPeer } from "./ports.js";
import { compare, timeProcess, type Comparison, type Row } from "./measure.js";
import { prepareSshPeers, type SshPeers } from "./ssh.js";
import { printTable } from "./table.js";
import { startTenki, type TenkiPeer } from "./tenki.js";
import { timeLibraryCycle, timeSpawnInEngine } from "./in-process.js";

const { values: flags, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});

const gigabyte = 1_000_000_000;
const notes: string[] = [];
const tenki = await startTenki();
const docker = await startDocker();
const web = await startWebPeer(tenki);
if (typeof docker === "string") notes.push(`left out the comparisons with docker: ${docker}`);
try {
  const rows: Row[] = [];
  const all = [
    ...comparisons(tenki, typeof docker === "string" ? undefined : docker),
    ...portComparisons(web),
  ];
  for (const comparison of all) {
    if (words.length > 0 && !words.some((word) => comparison.name.includes(word))) continue;
    process.stderr.write(`${comparison.name} …\n`);
    rows.push(await compare(comparison));
  }
  const machine = { node: process.version, cpus: cpus().length, model: cpus()[0]?.model.trim() ?? "?" };
  if (flags.json) process.stdout.write(`${JSON.stringify({ machine, rows, notes }, null, 2)}\n`);
  else printTable(machine, rows, notes);
} finally {
  await web.close();
  if (typeof docker !== "string") await docker.close();
  await tenki.close();
}

function portComparisons({ direct, exposed }: WebPeer): Comparison[] {
  const both = (time: (url: string) => Promise<number>) => ({
    ours: { label: "exposed port", run: () => time(exposed) },
    theirs: { label: "the same service directly", run: () => time(direct) },
    runs: flags.quick ? 3 : 5,
  });
  return [
    { name: "5,000 requests through an exposed port", budget: 2, ...both(timeRequests) },
    { name: "1 GB down through an exposed port", budget: 3, ...both(timeDownload) },
    { name: "1 GB up through an exposed port", budget: 3, ...both(timeUpload) },
  ];
}

function comparisons(peer: TenkiPeer, other: DockerPeer | undefined): Comparison[] {
  const runs = (full: number) => (flags.quick ? 3 : full);
  const ours = (label: string, ...args: string[]) => ({
    label,
    run: () => timeProcess(peer.command(...args), peer.env),
  });
  const theirs = (label: string, argv: readonly string[] | undefined) =>
    argv && { label, run: () => timeProcess(argv) };
  let peers: Promise<SshPeers> | undefined;
  const ssh = () => (peers ??= prepareSshPeers(peer, "bench"));
  return [
    {
      name: "tenki --version",
      budget: 1.3,
      ours: ours("tenki --version", "--version"),
      theirs: { label: "node -e 0", run: () => timeProcess([process.execPath, "-e", "0"]) },
      runs: runs(21),
    },
    {
      name: "create --name bench (the current session of the rows below)",
      ours: {
        label: "create",
        async run() {
          await timeProcess(peer.command("sandbox", "terminate", "--yes", "bench"), peer.env).catch(() => 0);
          return timeProcess(peer.command("sandbox", "create", "--name", "bench"), peer.env);
        },
      },
      runs: runs(5),
    },
    {
      name: "exec -- true",
      budget: 1,
      ours: ours("tenki sandbox exec -- true", "sandbox", "exec", "-q", "--", "true"),
      theirs: theirs("docker exec … true", other?.exec(["true"])),
      runs: runs(21),
    },
    {
      name: "1 GB of stdout",
      budget: 0.35,
      ours: ours("exec head", "sandbox", "exec", "-q", "--", "head", "-c", `${gigabyte}`, "/dev/zero"),
      theirs: theirs("docker exec … head", other?.exec(["head", "-c", `${gigabyte}`, "/dev/zero"])),
      runs: runs(3),
    },
    {
      name: "ssh … true",
      budget: 1.5,
      ours: { label: "ssh sbx-bench true", run: async () => (await ssh()).ours("true") },
      theirs: { label: "the same sshd over a pipe", run: async () => (await ssh()).pipe("true") },
      runs: runs(21),
    },
    {
      name: "1 GB by scp",
      budget: 1.3,
      ours: { label: "scp sbx-bench:", run: async () => (await ssh()).copy("ours", await bigFile(peer)) },
      theirs: {
        label: "the same sshd over a pipe",
        run: async () => (await ssh()).copy("pipe", await bigFile(peer)),
      },
      runs: runs(3),
    },
    {
      name: "create, first command, terminate (one process, the library)",
      budget: 0.6,
      ours: { label: "library", run: () => timeLibraryCycle(peer) },
      theirs: theirs("docker run --rm … true", other?.run(["true"])),
      runs: runs(11),
    },
    {
      name: "create, first command, terminate (three commands)",
      ours: {
        label: "create; exec; terminate",
        async run() {
          const start = performance.now();
          await timeProcess(peer.command("sandbox", "create", "--name", "cycle"), peer.env);
          await timeProcess(
            peer.command("sandbox", "exec", "--session", "cycle", "-q", "--", "true"),
            peer.env,
          );
          await timeProcess(peer.command("sandbox", "terminate", "--yes", "cycle"), peer.env);
          return performance.now() - start;
        },
      },
      theirs: theirs("docker run --rm … true", other?.run(["true"])),
      runs: runs(11),
    },
    {
      name: "the engine, from a request to the command's exec",
      ours: { label: "Run → started", run: () => timeSpawnInEngine(peer) },
      runs: runs(51),
    },
  ];
}

/** A gigabyte of nothing, which takes no room. */
async function bigFile({ env }: TenkiPeer): Promise<string> {
  const path = `${env["HOME"]}/gigabyte`;
  await writeFile(path, "", { flag: "a" });
  await truncate(path, gigabyte);
  return path;
}
