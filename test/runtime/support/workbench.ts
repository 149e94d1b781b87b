import { randomBytes, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { CommandExit } from "../../../src/domain/command.js";
import type { Disk, Disks } from "../../../src/engine/core/ports/disks.js";
import type { Images } from "../../../src/engine/core/ports/images.js";
import type { Runtime, SandboxSpec, SandboxVolume } from "../../../src/engine/core/ports/runtime.js";
import { createLoopDisks } from "../../../src/engine/disks/loop-disks.js";
import { createHostImages } from "../../../src/engine/images/host-images.js";
import { createOciRuntime } from "../../../src/engine/runtime/oci-runtime.js";
import { silentLogger } from "../../../src/lib/logger.js";
import { readMountTable } from "../../../src/lib/mount-table.js";
import { runProcess } from "../../../src/lib/process.js";

export interface ShellResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exit: CommandExit;
}

export interface ShellOptions {
  readonly privileged?: boolean;
  readonly timeoutMs?: number;
}

export interface StartOptions {
  readonly hostname?: string;
  readonly cpuCores?: number;
  readonly memoryMb?: number;
  readonly diskBytes?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly nameservers?: readonly string[];
  readonly namespacePath?: string;
  readonly signal?: AbortSignal;
  readonly volumes?: readonly SandboxVolume[];
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const defaultDiskBytes = 10 * 2 ** 30;

/** The real runtime, disks and image over a data directory of its own, and a network namespace with a loopback. */
export class Workbench {
  readonly instanceId = randomBytes(4).toString("hex");
  readonly #network = `tkt-${this.instanceId}`;
  readonly #started = new Map<string, Disk>();

  private constructor(
    readonly dataDir: string,
    readonly disks: Disks,
    readonly images: Images,
  ) {}

  runtime!: Runtime;

  static async open(
    options: { readonly ociRuntime?: string; readonly prefix?: string } = {},
  ): Promise<Workbench> {
    if (process.getuid?.() !== 0) throw new Error("these tests run containers: run them as root");
    const dataDir = await mkdtemp(join(tmpdir(), options.prefix ?? "tenki-runtime-"));
    const log = silentLogger;
    const disks = await createLoopDisks({ dataDir, log, ready: 0 });
    const bench = new Workbench(dataDir, disks, createHostImages({ dataDir, log }));
    await runProcess(["ip", "netns", "add", bench.#network]);
    await runProcess(["ip", "-n", bench.#network, "link", "set", "lo", "up"]);
    bench.runtime = await bench.newRuntime(options.ociRuntime);
    return bench;
  }

  /** As an engine would make it that starts anew on the same data directory. */
  newRuntime(ociRuntime?: string): Promise<Runtime> {
    const { dataDir, instanceId } = this;
    const guestBinary = resolve("dist/tenki-guest");
    return createOciRuntime({ dataDir, instanceId, ociRuntime, guestBinary, log: silentLogger });
  }

  async spec(options: StartOptions = {}, sessionId: string = randomUUID()): Promise<SandboxSpec> {
    return {
      sessionId,
      hostname: options.hostname ?? "bench",
      image: await this.images.resolve("sandbox"),
      disk: await this.disks.allocate(options.diskBytes ?? defaultDiskBytes),
      network: {
        handle: this.#network,
        namespacePath: options.namespacePath ?? `/run/netns/${this.#network}`,
        nameservers: options.nameservers ?? [],
      },
      limits: { cpuCores: options.cpuCores ?? 2, memoryMb: options.memoryMb ?? 512 },
      environment: options.environment ?? {},
      files: [],
      volumes: options.volumes ?? [],
    };
  }

  async start(options: StartOptions = {}): Promise<string> {
    const spec = await this.spec(options);
    this.#started.set(spec.sessionId, spec.disk);
    try {
      await this.runtime.start(spec, options.signal ?? AbortSignal.timeout(60_000));
    } catch (error) {
      await this.release(spec.sessionId);
      throw error;
    }
    return spec.sessionId;
  }

  async stop(sessionId: string): Promise<void> {
    await this.runtime.stop(sessionId);
    await this.release(sessionId);
  }

  async release(sessionId: string): Promise<void> {
    const disk = this.#started.get(sessionId);
    this.#started.delete(sessionId);
    if (disk !== undefined) await this.disks.release(disk.handle);
  }

  diskOf(sessionId: string): Disk {
    const disk = this.#started.get(sessionId);
    if (disk === undefined) throw new Error("no such sandbox");
    return disk;
  }

  async shell(sessionId: string, script: string, options: ShellOptions = {}): Promise<ShellResult> {
    const { privileged = false, timeoutMs = 60_000 } = options;
    const home = privileged ? "/root" : "/home/tenki";
    const env = { PATH: path, HOME: home, USER: privileged ? "root" : "tenki", LANG: "C.UTF-8" };
    const argv = ["/bin/bash", "-c", script];
    const command = { argv, cwd: home, env, privileged, timeoutMs };
    const spawned = await this.runtime.spawn(sessionId, command, AbortSignal.timeout(30_000));
    if (!spawned.started) return { stdout: "", stderr: "", exit: spawned.exit };
    spawned.process.closeStdin();
    let [stdout, stderr] = ["", ""];
    for await (const event of spawned.process.events) {
      if (event.kind === "stdout") stdout += Buffer.from(event.data).toString();
      if (event.kind === "stderr") stderr += Buffer.from(event.data).toString();
      if (event.kind === "exit") return { stdout, stderr, exit: event.exit };
    }
    throw new Error("a command without an end");
  }

  /** Everything on the host that comes of this workbench's sandboxes. */
  async traces(): Promise<string[]> {
    const mounts = (await readMountTable()).map(({ mountPoint }) => mountPoint);
    return [
      ...mounts.filter((mountPoint) => mountPoint.startsWith(this.dataDir)).map((name) => `mount ${name}`),
      ...cgroups(`tenki-${this.instanceId}`).map((name) => `cgroup ${name}`),
      ...loopFiles()
        .filter((file) => file.startsWith(this.dataDir))
        .map((file) => `loop ${file}`),
      ...list(join(this.dataDir, "sessions")).map((name) => `session ${name}`),
      ...list(join(this.dataDir, "disks")).map((name) => `disk ${name}`),
      ...list(join(this.dataDir, "runc")).map((name) => `container ${name}`),
      ...processesNaming(this.dataDir).map((line) => `process ${line}`),
    ];
  }

  async close(): Promise<void> {
    for (const sessionId of this.#started.keys()) await this.stop(sessionId);
    await this.disks.close();
    await runProcess(["ip", "netns", "delete", this.#network]);
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** A cgroup of this name in any hierarchy, with what is in it. */
export function cgroups(name: string): string[] {
  const root = "/sys/fs/cgroup";
  const candidates = [join(root, name), ...list(root).map((hierarchy) => join(root, hierarchy, name))];
  return candidates.filter((directory) => existsSync(directory));
}

function loopFiles(): string[] {
  return list("/sys/block").flatMap((name) => {
    const file = `/sys/block/${name}/loop/backing_file`;
    return existsSync(file) ? [readFileSync(file, "utf8").trim()] : [];
  });
}

function processesNaming(text: string): string[] {
  return list("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
      return line.includes(text) ? [line] : [];
    } catch {
      return [];
    }
  });
}

function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
