import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import type { Logger } from "../../lib/logger.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import type { Network, NetworkAttachment, NetworkPolicy, Refused } from "../core/ports/network.js";
import { enter, GuestLists, type GuestListsOptions, readRefused } from "./guest-lists.js";
import { renderGuestRules } from "./guest-rules.js";
import { requireAddresses } from "./resolver.js";
import { listSlirps, slirpResolver, startSlirp, stopSlirp } from "./slirp.js";

export interface SlirpNetworkOptions extends GuestListsOptions {
  readonly dataDir: string;
}

/** For an engine without root: a namespace for each sandbox, and a process that carries its packets out. */
export async function createSlirpNetwork(options: SlirpNetworkOptions): Promise<Network> {
  const directory = join(options.dataDir, "netns");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  requireAddresses(options.dnsServers ?? []);
  return new SlirpNetwork(directory, options);
}

class SlirpNetwork implements Network {
  readonly holdsToLists = true;
  readonly #directory: string;
  readonly #lists: GuestLists;
  readonly #log: Logger;

  constructor(directory: string, options: GuestListsOptions) {
    this.#directory = directory;
    this.#lists = new GuestLists(options);
    this.#log = options.log;
  }

  async attach(policy: NetworkPolicy): Promise<NetworkAttachment> {
    const handle = `n${randomBytes(6).toString("hex")}`;
    const namespacePath = this.#namespace(handle);
    try {
      await writeFile(namespacePath, "", { flag: "wx" });
      await runProcess(["unshare", `--net=${namespacePath}`, "ip", "link", "set", "lo", "up"]);
      if (policy.outbound) await this.#openOutbound(handle, policy.egress);
      return { handle, namespacePath, nameservers: policy.outbound ? [slirpResolver] : [] };
    } catch (error) {
      await this.detach(handle).catch((failure: unknown) =>
        this.#warn("cannot remove a network", handle, failure),
      );
      throw error;
    }
  }

  async detach(handle: string): Promise<void> {
    this.#lists.end(this.#namespace(handle));
    for (const carrier of await listSlirps(this.#namespace(handle))) await stopSlirp(carrier);
    await tryProcess(["umount", this.#namespace(handle)]);
    await rm(this.#namespace(handle), { force: true });
    await rm(this.#record(handle), { force: true });
  }

  refused(handle: string): Promise<Refused | undefined> {
    return this.#lists.refused(this.#namespace(handle));
  }

  async sweep(keep: ReadonlyMap<string, NetworkPolicy>): Promise<void> {
    const handles = (await readdir(this.#directory)).map((name) => name.replace(/\.json$/, ""));
    for (const handle of new Set(handles)) {
      const policy = keep.get(handle);
      if (policy === undefined) await this.detach(handle);
      else await this.#restore(handle, policy);
    }
  }

  async close({ removeShared }: { readonly removeShared: boolean }): Promise<void> {
    this.#lists.endAll();
    if (removeShared) await this.sweep(new Map());
  }

  /** The rules first: there is no moment in which packets leave without them. */
  async #openOutbound(handle: string, egress: NetworkPolicy["egress"]): Promise<void> {
    const namespace = this.#namespace(handle);
    const before = egress && (await readRefused(namespace));
    const list = egress && {
      rules: egress,
      refusedPackets: before?.packets ?? 0,
      refusedNames: before?.names ?? 0,
    };
    await runProcess([...enter(namespace), "nft", "-f", "-"], { input: await renderGuestRules(list) });
    if (egress !== undefined) await this.#lists.hear(namespace, egress);
    await writeFileAtomic(this.#record(handle), JSON.stringify({ outbound: true }));
    await startSlirp(namespace);
  }

  /** One that cannot have its way out again, or its names, runs on without; the others are not to suffer for it. */
  async #restore(handle: string, { egress }: NetworkPolicy): Promise<void> {
    if (!existsSync(this.#record(handle))) return;
    try {
      if ((await listSlirps(this.#namespace(handle))).length === 0) {
        this.#log.warn("a sandbox had lost its way out", { network: handle });
        await this.#openOutbound(handle, egress);
      } else if (egress !== undefined) await this.#lists.hear(this.#namespace(handle), egress);
    } catch (error) {
      this.#warn("cannot give a sandbox its way out again", handle, error);
    }
  }

  #warn(what: string, handle: string, error: unknown): void {
    this.#log.warn(what, { network: handle, error: error instanceof Error ? error.message : String(error) });
  }

  #namespace(handle: string): string {
    return join(this.#directory, handle);
  }

  #record(handle: string): string {
    return join(this.#directory, `${handle}.json`);
  }
}
