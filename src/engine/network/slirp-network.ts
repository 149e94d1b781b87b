import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../lib/atomic-file.js";
import type { Logger } from "../../lib/logger.js";
import { isSameProcess, type ProcessIdentity } from "../../lib/process-identity.js";
import { runProcess, tryProcess } from "../../lib/process.js";
import { waitUntil } from "../../lib/wait-until.js";
import type { Network, NetworkAttachment, NetworkPolicy } from "../core/ports/network.js";
import { renderGuestRules } from "./guest-rules.js";
import { slirpResolver, startSlirp } from "./slirp.js";

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
  readonly #directory: string;
  readonly #log: Logger;

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  async attach(policy: NetworkPolicy): Promise<NetworkAttachment> {
    const handle = `n${randomBytes(6).toString("hex")}`;
    const namespacePath = this.#namespace(handle);
    try {
      await writeFile(namespacePath, "", { flag: "wx" });
      await runProcess(["unshare", `--net=${namespacePath}`, "ip", "link", "set", "lo", "up"]);
      if (policy.outbound) await this.#openOutbound(handle);
      return { handle, namespacePath, nameservers: policy.outbound ? [slirpResolver] : [] };
    } catch (error) {
      await this.detach(handle);
      throw error;
    }
  }

  async detach(handle: string): Promise<void> {
    const carrier = await this.#carrier(handle);
    if (carrier !== undefined) {
      process.kill(carrier.pid, "SIGTERM");
      const ended = await waitUntil(() => (isSameProcess(carrier) ? undefined : true), { timeoutMs: 2_000 });
      if (ended === undefined) process.kill(carrier.pid, "SIGKILL");
    }
    await tryProcess(["umount", this.#namespace(handle)]);
    await rm(this.#namespace(handle), { force: true });
    await rm(this.#record(handle), { force: true });
  }

  async sweep(keep: ReadonlySet<string>): Promise<void> {
    const handles = (await readdir(this.#directory)).map((name) => name.replace(/\.json$/, ""));
    for (const handle of new Set(handles)) {
      if (!keep.has(handle)) await this.detach(handle);
      else if ((await this.#hadOutbound(handle)) && (await this.#carrier(handle)) === undefined) {
        this.#log.warn("a sandbox had lost its way out", { network: handle });
        await this.#openOutbound(handle);
      }
    }
  }

  async close({ removeShared }: { readonly removeShared: boolean }): Promise<void> {
    if (removeShared) await this.sweep(new Set());
  }

  /** The rules first: there is no moment in which packets leave without them. */
  async #openOutbound(handle: string): Promise<void> {
    const namespace = this.#namespace(handle);
    await runProcess(["nsenter", `--net=${namespace}`, "nft", "-f", "-"], {
      input: await renderGuestRules(),
    });
    await writeFileAtomic(this.#record(handle), JSON.stringify(await startSlirp(namespace)));
  }

  async #carrier(handle: string): Promise<ProcessIdentity | undefined> {
    const text = await readFile(this.#record(handle), "utf8").catch(() => undefined);
    if (text === undefined) return undefined;
    const carrier = JSON.parse(text) as ProcessIdentity;
    return isSameProcess(carrier) ? carrier : undefined;
  }

  async #hadOutbound(handle: string): Promise<boolean> {
    return (await readdir(this.#directory)).includes(`${handle}.json`);
  }

  #namespace(handle: string): string {
    return join(this.#directory, handle);
  }

  #record(handle: string): string {
    return join(this.#directory, `${handle}.json`);
  }
}
