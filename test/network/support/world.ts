import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { networkInterfaces } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { runProcess, tryProcess } from "../../../src/lib/process.js";
import { waitUntil } from "../../../src/lib/wait-until.js";
import type { Listener } from "./listeners.js";
import type { Target } from "./probe.js";

const script = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

/** Asks all targets at once from inside a namespace; "" where nothing came back. */
export async function probe(namespace: string, targets: readonly Target[]): Promise<string[]> {
  return ask(["ip", "netns", "exec", namespace], targets);
}

export const probeFromHost = (targets: readonly Target[]): Promise<string[]> => ask([], targets);

export async function ask(inside: readonly string[], targets: readonly Target[]): Promise<string[]> {
  const argv = [...inside, process.execPath, script("probe"), JSON.stringify(targets)];
  return JSON.parse(await runProcess(argv, { timeoutMs: 20_000 })) as string[];
}

/** Of a network that is for documentation: tests that run at once have one each. */
export type Quarter = 0 | 64 | 128 | 192;

/** A namespace that stands for something outside: joined by a link to the host, with servers in it. */
export class Place {
  readonly #servers: { readonly child: ChildProcess; readonly lines: string[] }[] = [];
  #marks = 0;

  private constructor(
    readonly name: string,
    readonly hostLink: string,
    readonly hostAddress: string,
    readonly address: string,
  ) {}

  /** `bridge`: the link's end on the host is a port of one. `network`: another one for documentation. */
  static async make(
    name: string,
    quarter: Quarter,
    options: { bridge?: boolean; network?: string } = {},
  ): Promise<Place> {
    const { network = "203.0.113" } = options;
    const place = new Place(name, `${name}h`, `${network}.${quarter + 62}`, `${network}.${quarter + 1}`);
    const port = options.bridge === true ? `${name}p` : place.hostLink;
    const lines = [
      `netns add ${name}`,
      `link add ${port} type veth peer name eth0 netns ${name}`,
      ...(options.bridge === true
        ? [
            `link add ${place.hostLink} type bridge`,
            `link set ${port} master ${place.hostLink}`,
            `link set ${port} up`,
          ]
        : []),
      `address add ${place.hostAddress}/26 dev ${place.hostLink}`,
      `link set ${place.hostLink} up`,
    ];
    try {
      await runProcess(["ip", "-batch", "-"], { input: lines.join("\n") });
      const inside = [
        "link set lo up",
        `address add ${place.address}/26 dev eth0`,
        "link set eth0 up",
        `route add default via ${place.hostAddress}`,
      ];
      await runProcess(["ip", "-n", name, "-batch", "-"], { input: inside.join("\n") });
      return place;
    } catch (error) {
      await place.remove();
      throw error;
    }
  }

  /** A namespace that is somebody else's: servers in it, and no more. */
  static inside(name: string): Place {
    return new Place(name, "", "", "");
  }

  /** One more address that is reached here. */
  async addAddress(address: string): Promise<void> {
    await runProcess(["ip", "-n", this.name, "address", "add", `${address}/32`, "dev", "lo"]);
    await runProcess(["ip", "route", "add", `${address}/32`, "via", this.address, "dev", this.hostLink]);
  }

  async serve(listeners: readonly Listener[]): Promise<void> {
    const argv = [
      "netns",
      "exec",
      this.name,
      process.execPath,
      script("listeners"),
      JSON.stringify(listeners),
    ];
    const child = spawn("ip", argv, { stdio: ["pipe", "pipe", "pipe"] });
    let said = "";
    child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    const lines: string[] = [];
    createInterface(child.stdout).on("line", (line) => lines.push(line));
    this.#servers.push({ child, lines });
    if ((await takeUntil(lines, "ready")) === undefined)
      throw new Error(`no servers in ${this.name}: exit ${child.exitCode} ${child.signalCode} ${said}`);
  }

  /** Who came since this was last asked, one line each. */
  async visitors(): Promise<string[]> {
    const mark = `mark ${(this.#marks += 1)}`;
    const visits = this.#servers.map(async ({ child, lines }) => {
      child.stdin?.write(`${mark}\n`);
      return (await takeUntil(lines, mark)) ?? assert.fail(`the servers in ${this.name} have ended`);
    });
    return (await Promise.all(visits)).flat();
  }

  async remove(): Promise<void> {
    await this.stop();
    await tryProcess(["ip", "link", "del", this.hostLink]);
    await tryProcess(["ip", "link", "del", `${this.name}p`]);
    await tryProcess(["ip", "netns", "del", this.name]);
  }

  /** Ends the servers. */
  async stop(): Promise<void> {
    for (const { child } of this.#servers.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
  }
}

/** IPv4 of the host's links, without those that engines and tests make and remove at any moment. */
export const hostAddresses = (): string[] =>
  Object.entries(networkInterfaces())
    .filter(([link]) => !/^(tk[0-9a-f]{8}-|t[lns]\d|veth)/.test(link))
    .flatMap(([, entries = []]) => entries)
    .flatMap(({ family, internal, address }) => (family === "IPv4" && !internal ? [address] : []));

/** Waits for a line, and takes it and all before it. */
function takeUntil(lines: string[], last: string): Promise<string[] | undefined> {
  return waitUntil(
    () => (lines.includes(last) ? lines.splice(0, lines.indexOf(last) + 1).slice(0, -1) : undefined),
    { timeoutMs: 30_000 },
  );
}
