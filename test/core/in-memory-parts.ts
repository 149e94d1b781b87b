import { TenkiError } from "../../src/domain/error.js";
import type { DiskUsage } from "../../src/domain/session-stats.js";
import type { Disk, Disks } from "../../src/engine/core/ports/disks.js";
import type { Image, Images } from "../../src/engine/core/ports/images.js";
import type {
  Network,
  NetworkAttachment,
  NetworkPolicy,
  Refused,
} from "../../src/engine/core/ports/network.js";
import type { SandboxParts } from "../../src/engine/core/sessions/sandbox-parts.js";
import { InMemoryRuntime } from "./in-memory-runtime.js";
import { type InMemorySnapshot, InMemorySnapshots } from "./in-memory-snapshots.js";
import { InMemoryVolumes } from "./in-memory-volumes.js";
import { removeOthers } from "./remove-others.js";
import { Steps } from "./steps.js";

/** Parts that keep what they make in memory, count it, and can be told to fail or to hang at each step. */
export class InMemoryParts implements SandboxParts {
  readonly steps = new Steps();
  readonly runtime = new InMemoryRuntime(this.steps);
  readonly network = new InMemoryNetwork(this.steps);
  readonly disks: InMemoryDisks = new InMemoryDisks(this.steps, (id) => this.snapshots.get(id));
  readonly images = new InMemoryImages(this.steps);
  readonly volumes = new InMemoryVolumes(this.steps);
  readonly snapshots = new InMemorySnapshots(this.steps, this.disks);

  /** How much of everything there is. */
  count(): { sandboxes: number; networks: number; disks: number } {
    return {
      sandboxes: this.runtime.sandboxes.size,
      networks: this.network.attached.size,
      disks: this.disks.allocated.size,
    };
  }
}

/** Gives the lowest free number again and again, as an address range does. */
export class InMemoryNetwork implements Network {
  readonly attached = new Map<string, NetworkPolicy>();
  holdsToLists = true;
  readonly #steps: Steps;

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  attach(policy: NetworkPolicy): Promise<NetworkAttachment> {
    return this.#steps.run("network.attach", () => {
      let number = 0;
      while (this.attached.has(`net-${number}`)) number += 1;
      const handle = `net-${number}`;
      this.attached.set(handle, policy);
      return { handle, namespacePath: `/run/netns/${handle}`, nameservers: [] };
    });
  }

  detach(handle: string): Promise<void> {
    return this.#steps.run("network.detach", () => void this.attached.delete(handle));
  }

  refused(handle: string): Promise<Refused | undefined> {
    return Promise.resolve(
      this.attached.get(handle)?.egress === undefined ? undefined : { packets: 3, names: 2 },
    );
  }

  /** Policies are what it was given last. */
  sweep(keep: ReadonlyMap<string, NetworkPolicy>): Promise<void> {
    return this.#steps.run("network.sweep", () => {
      removeOthers(this.attached, new Set(keep.keys()));
      for (const [handle, policy] of keep) if (this.attached.has(handle)) this.attached.set(handle, policy);
    });
  }

  async close(): Promise<void> {
    return undefined;
  }
}

export class InMemoryDisks implements Disks {
  /** Handles, with the size of each. */
  readonly allocated = new Map<string, number>();
  /** Handles of those that would outlast a loss of power as they are. */
  readonly persisted = new Set<string>();
  /** Handles of those that were made from a snapshot, with its id. */
  readonly madeFrom = new Map<string, string>();
  readonly #steps: Steps;
  readonly #snapshot: (id: string) => InMemorySnapshot;
  #made = 0;

  constructor(steps: Steps, snapshot: (id: string) => InMemorySnapshot) {
    this.#steps = steps;
    this.#snapshot = snapshot;
  }

  allocate(sizeBytes: number, fromSnapshotId?: string): Promise<Disk> {
    return this.#steps.run("disks.allocate", () => {
      const least = fromSnapshotId === undefined ? 0 : this.#snapshot(fromSnapshotId).diskSizeBytes;
      this.#made += 1;
      const handle = `disk-${this.#made}`;
      this.allocated.set(handle, Math.max(sizeBytes, least));
      if (fromSnapshotId !== undefined) this.madeFrom.set(handle, fromSnapshotId);
      return { handle, directory: `/disks/${handle}` };
    });
  }

  isShort(): Promise<boolean> {
    return Promise.resolve(false);
  }

  requireRoom(): Promise<void> {
    return this.#steps.run("disks.requireRoom", () => undefined);
  }

  persist(handle: string): Promise<void> {
    return this.#steps.run("disks.persist", () => void this.persisted.add(handle));
  }

  reopen(handle: string): Promise<Disk> {
    return this.#steps.run("disks.reopen", () => {
      if (!this.allocated.has(handle)) throw new TenkiError("data_loss", "its disk is gone");
      return { handle, directory: `/disks/${handle}` };
    });
  }

  /** Each is one byte full. */
  usage(handle: string): Promise<DiskUsage | undefined> {
    return this.#steps.run("disks.usage", () => {
      const sizeBytes = this.allocated.get(handle);
      return sizeBytes === undefined ? undefined : { usedBytes: 1, sizeBytes };
    });
  }

  release(handle: string): Promise<void> {
    return this.#steps.run("disks.release", () => void this.allocated.delete(handle));
  }

  sweep(keep: ReadonlySet<string>): Promise<void> {
    return this.#steps.run("disks.sweep", () => removeOthers(this.allocated, keep));
  }

  async close(): Promise<void> {
    return undefined;
  }
}

/** Has the default image only. */
export class InMemoryImages implements Images {
  readonly #steps: Steps;

  constructor(steps: Steps) {
    this.#steps = steps;
  }

  resolve(name: string): Promise<Image> {
    return this.#steps.run("images.resolve", () => {
      if (name !== "" && name !== "sandbox")
        throw new TenkiError("not_found", `registry image not found: ${name}`);
      return { name: "sandbox", mounts: [{ target: "/", lowerDirectories: ["/image"] }] };
    });
  }
}
