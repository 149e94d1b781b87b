import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { GuestLink } from "../../../src/engine/runtime/guest/guest-link.js";
import { readProcessIdentity } from "../../../src/lib/process-identity.js";
import { waitUntil } from "../../../src/lib/wait-until.js";

export interface GuestSandboxOptions {
  /** Of the tmpfs that holds the home directory. Default 64 MiB. */
  readonly homeMegabytes?: number;
  /** A cgroup's `cgroup.procs` for everything inside. */
  readonly cgroupProcs?: string;
  /** Default: the host's. */
  readonly ownNetwork?: boolean;
}

/** Another build of the binary (the sanitized one) may be put in its place. */
export const guestBinary = resolve(process.env["TENKI_TEST_GUEST"] ?? "dist/tenki-guest");

/** The real binary as pid 1 of its own PID and mount namespaces, with a home directory of its own. */
export class GuestSandbox {
  readonly link: GuestLink;
  readonly socketPath: string;
  readonly #directory: string;
  readonly #program: string;
  readonly #outer: ChildProcess;
  #initPid = 0;

  static async start(options: GuestSandboxOptions = {}): Promise<GuestSandbox> {
    if (process.getuid?.() !== 0)
      throw new Error("these tests make namespaces and change users: run them as root");
    if (!existsSync(guestBinary)) throw new Error(`${guestBinary} is missing: run scripts/build-guest.sh`);
    const sandbox = new GuestSandbox(await mkdtemp(join(tmpdir(), "tenki-guest-")), options);
    try {
      const answered = await waitUntil(() => sandbox.#answers(), { timeoutMs: 10_000 });
      if (answered === undefined) throw new Error("the test's sandbox did not start: see above");
      sandbox.#initPid = await sandbox.#findInit();
      return sandbox;
    } catch (error) {
      await sandbox.stop();
      throw error;
    }
  }

  private constructor(directory: string, options: GuestSandboxOptions) {
    this.#directory = directory;
    this.#program = join(directory, "tenki-guest");
    this.socketPath = join(directory, "guest.sock");
    this.link = new GuestLink(this.socketPath);
    // A clone lies below /home as often as not, and that is about to be another one.
    copyFileSync(guestBinary, this.#program);
    const setUp = [
      "set -e",
      ...(options.cgroupProcs === undefined ? [] : [`echo $$ > ${options.cgroupProcs}`]),
      `mount -t tmpfs -o size=${options.homeMegabytes ?? 64}m,mode=755 home /home`,
      "mount -t tmpfs -o mode=755 mnt /mnt",
      "mkdir /home/tenki && chown 1000:1000 /home/tenki",
      `exec ${this.#program} init`,
    ];
    const network = options.ownNetwork === true ? ["--net"] : [];
    const inner = [
      "unshare",
      ...network,
      "--pid",
      "--fork",
      "--kill-child",
      "--mount",
      "--mount-proc",
      "sh",
      "-c",
    ];
    this.#outer = spawn(guestBinary, ["listen", this.socketPath, "--", ...inner, setUp.join("\n")], {
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, ASAN_OPTIONS: "detect_leaks=0" },
    });
  }

  /** Pid 1's pid as the host sees it. */
  get initPid(): number {
    return this.#initPid;
  }

  /** A path inside, as the host reaches it. */
  path(inside: string): string {
    return `/proc/${this.#initPid}/root${inside}`;
  }

  /** The command lines of all processes inside, pid 1 and its handlers left out. */
  commands(): string[] {
    return this.#processes().map(({ line }) => line);
  }

  /** The pids, as the host sees them, of the processes with this command line. */
  pids(commandLine: string): number[] {
    return this.#processes().flatMap(({ pid, line }) => (line === commandLine ? [pid] : []));
  }

  /** Resolves once no process inside but pid 1 is left, or says who is. */
  async waitUntilIdle(timeoutMs = 5_000): Promise<void> {
    const idle = () => this.commands().length === 0 && childrenOf(this.#initPid).length === 0;
    const done = await waitUntil(() => idle() || undefined, { timeoutMs });
    if (done === undefined) {
      throw new Error(
        `still there: ${this.commands().join("; ")} (${childrenOf(this.#initPid).length} handlers)`,
      );
    }
  }

  /** Resolves once this many of pid 1's handlers are left. */
  async waitUntilHandlers(count: number, timeoutMs = 5_000): Promise<void> {
    const left = () => childrenOf(this.#initPid).length;
    const done = await waitUntil(() => left() === count || undefined, { timeoutMs });
    if (done === undefined) throw new Error(`there are ${left()} handlers rather than ${count}`);
  }

  /** Everything inside is gone, and so is what the test put on the host. */
  async stop(): Promise<void> {
    if (this.#outer.exitCode === null && this.#outer.signalCode === null) {
      this.#outer.kill("SIGKILL");
      await once(this.#outer, "exit");
    }
    await waitUntil(() => readProcessIdentity(this.#initPid) === undefined || undefined, {
      timeoutMs: 5_000,
    });
    await rm(this.#directory, { recursive: true, force: true });
  }

  #processes(): { pid: number; line: string }[] {
    const namespace = readlinkSync(`/proc/${this.#initPid}/ns/pid`);
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) return [];
          const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
          return line === "" || line === `${this.#program} init` ? [] : [{ pid: Number(pid), line }];
        } catch {
          return []; // it ended while we looked
        }
      });
  }

  async #answers(): Promise<true | undefined> {
    return this.link.ping(AbortSignal.timeout(10_000)).then(
      () => true as const,
      () => undefined, // not bound or not listening yet
    );
  }

  async #findInit(): Promise<number> {
    const found = await waitUntil(() => childrenOf(this.#outer.pid ?? 0)[0], { timeoutMs: 5_000 });
    if (found === undefined) throw new Error("pid 1 of the test's sandbox was not found");
    return found;
  }
}

export function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}
