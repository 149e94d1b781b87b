import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import type { Logger } from "../../lib/logger.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import type { Network, NetworkAttachment, NetworkPolicy } from "../core/ports/network.js";
import { renderGuestRules } from "./guest-rules.js";
import { listSlirps, slirpResolver, startSlirp, stopSlirp } from "./slirp.js";

export interface SlirpNetworkOptions {
  readonly dataDir: string;
  readonly log: Logger;
}

/** For an engine without root: a namespace for each sandbox, and a process that carries its packets out. */
export async function createSlirpNetwork(options: SlirpNetworkOptions): Promise<Network> {
  const directory = join(options.dataDir, "netns");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return new SlirpNetwork(directory, options.log);
}

class SlirpNetwork implements Network {
  /** Its packets leave through sockets of a process that asks the host's resolver for whatever name. */
  readonly holdsToLists = false;
  readonly #directory: string;
  readonly #log: Logger;

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  async attach(policy: NetworkPolicy): Promise<NetworkAttachment> {
    if (policy.egress !== undefined) throw withoutLists();
    const handle = `n${randomBytes(6).toString("hex")}`;
    const namespacePath = this.#namespace(handle);
    try {
      await writeFile(namespacePath, "", { flag: "wx" });
      await runProcess(["unshare", `--net=${namespacePath}`, "ip", "link", "set", "lo", "up"]);
      if (policy.outbound) await this.#openOutbound(handle);
      return { handle, namespacePath, nameservers: policy.outbound ? [slirpResolver] : [] };
    } catch (error) {
      await this.detach(handle).catch((failure: unknown) =>
        this.#warn("cannot remove a network", handle, failure),
      );
      throw error;
    }
  }

  async detach(handle: string): Promise<void> {
    for (const carrier of await listSlirps(this.#namespace(handle))) await stopSlirp(carrier);
    await tryProcess(["umount", this.#namespace(handle)]);
    await rm(this.#namespace(handle), { force: true });
    await rm(this.#record(handle), { force: true });
  }

  refused(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async sweep(keep: ReadonlyMap<string, NetworkPolicy>): Promise<void> {
    const handles = (await readdir(this.#directory)).map((name) => name.replace(/\.json$/, ""));
    for (const handle of new Set(handles)) {
      if (!keep.has(handle)) await this.detach(handle);
      else await this.#restoreOutbound(handle);
    }
  }

  async close({ removeShared }: { readonly removeShared: boolean }): Promise<void> {
    if (removeShared) await this.sweep(new Map());
  }

  /** The rules first: there is no moment in which packets leave without them. */
  async #openOutbound(handle: string): Promise<void> {
    const namespace = this.#namespace(handle);
    await runProcess(["nsenter", `--net=${namespace}`, "nft", "-f", "-"], {
      input: await renderGuestRules(),
    });
    await writeFileAtomic(this.#record(handle), JSON.stringify({ outbound: true }));
    await startSlirp(namespace);
  }

  /** One that cannot have its way out again runs on without; the others are not to suffer for it. */
  async #restoreOutbound(handle: string): Promise<void> {
    const hadOutbound = existsSync(this.#record(handle));
    if (!hadOutbound || (await listSlirps(this.#namespace(handle))).length > 0) return;
    this.#log.warn("a sandbox had lost its way out", { network: handle });
    await this.#openOutbound(handle).catch((error: unknown) =>
      this.#warn("cannot give a sandbox its way out again", handle, error),
    );
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

const withoutLists = (): TenkiError =>
  new TenkiError("failed_precondition", "a network without root cannot be held to a list");
