import { TenkiError } from "../../../domain/error.js";
import type { Disk, Disks } from "../ports/disks.js";
import type { Images } from "../ports/images.js";
import type { Network, NetworkAttachment } from "../ports/network.js";
import type { Runtime, SandboxFile, SandboxVolume } from "../ports/runtime.js";
import type { SnapshotDisks } from "../ports/snapshot-disks.js";
import type { SessionRecord } from "../ports/store.js";
import type { VolumeDisks } from "../ports/volume-disks.js";
import { networkPolicy } from "./egress.js";
import { hostnameFor } from "./session-name.js";

/** What a sandbox is put together from. */
export interface SandboxParts {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly disks: Disks;
  readonly images: Images;
  readonly volumes: VolumeDisks;
  readonly snapshots: SnapshotDisks;
}

export type SandboxHandles = Partial<Pick<SessionRecord, "networkHandle" | "diskHandle">>;

type RecordHandles = (handles: SandboxHandles) => void;

export interface Boot {
  readonly session: SessionRecord;
  /** What is inside before anything runs, besides what every sandbox gets. */
  readonly files: readonly SandboxFile[];
  readonly openVolumes: () => Promise<readonly SandboxVolume[]>;
  readonly record: RecordHandles;
  readonly signal: AbortSignal;
}

/**
 * Puts a sandbox together on a disk of its own and starts it; each part is recorded as soon as it exists, so that it
 * can be removed.
 */
export async function bootSandbox(
  parts: SandboxParts,
  boot: Boot,
  newDisk: () => Promise<Disk>,
): Promise<void> {
  const { session, record, signal } = boot;
  signal.throwIfAborted();
  const disk = keep(
    newDisk(),
    ({ handle }) => record({ diskHandle: handle }),
    ({ handle }) => parts.disks.release(handle),
  );
  await startOn(parts, boot, { disk, network: attach(parts, session, record) });
}

/** The same on the disk that the session has, whatever is left of the rest; the disk stays where this fails. */
export async function bootOnKeptDisk(parts: SandboxParts, boot: Boot): Promise<void> {
  const { session, record, signal } = boot;
  const { id, networkHandle, diskHandle } = session;
  signal.throwIfAborted();
  if (diskHandle === undefined) throw new TenkiError("data_loss", "its disk is gone");
  await parts.runtime.stop(id);
  if (networkHandle !== undefined) {
    await parts.network.detach(networkHandle);
    record({ networkHandle: undefined });
  }
  const disk = parts.disks.reopen(diskHandle);
  await startOn(parts, boot, { disk, network: attach(parts, session, record) });
}

interface Taking {
  readonly disk: Promise<Disk>;
  readonly network: Promise<NetworkAttachment>;
}

async function startOn(parts: SandboxParts, boot: Boot, taken: Taking): Promise<void> {
  const { session, files, signal } = boot;
  const taking = [
    parts.images.resolve(session.image),
    taken.disk,
    taken.network,
    boot.openVolumes(),
  ] as const;
  // All have to settle before a failure of one is acted on: what comes late would belong to nobody.
  await Promise.allSettled(taking);
  const [image, disk, network, volumes] = await Promise.all(taking);
  signal.throwIfAborted();
  await parts.runtime.start(
    {
      sessionId: session.id,
      hostname: hostnameFor(session.name),
      image,
      disk,
      network,
      limits: { cpuCores: session.cpuCores, memoryMb: session.memoryMb },
      environment: session.env,
      files,
      volumes,
    },
    signal,
  );
  signal.throwIfAborted();
}

const attach = (
  { network }: SandboxParts,
  session: SessionRecord,
  record: RecordHandles,
): Promise<NetworkAttachment> =>
  keep(
    network.attach(networkPolicy(session)),
    ({ handle }) => record({ networkHandle: handle }),
    ({ handle }) => network.detach(handle),
  );

/**
 * Takes a sandbox apart, whatever of it there is. The network goes last: its handle may be given to another
 * sandbox at once, so that nothing may fail between that and the record.
 */
export async function removeSandbox(parts: SandboxParts, session: SessionRecord): Promise<void> {
  const { id, networkHandle, diskHandle } = session;
  try {
    await parts.runtime.stop(id);
    if (diskHandle !== undefined) await parts.disks.release(diskHandle);
    if (networkHandle !== undefined) await parts.network.detach(networkHandle);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new TenkiError("internal", `cannot remove all of the sandbox: ${message}`, {
      cause,
      hint: "the engine tries again by itself, and when it starts",
    });
  }
}

/** What cannot be recorded is given back: nobody would find it again before the next start. */
async function keep<T>(
  taking: Promise<T>,
  record: (part: T) => void,
  giveBack: (part: T) => Promise<void>,
): Promise<T> {
  const part = await taking;
  try {
    record(part);
  } catch (error) {
    await giveBack(part).catch(() => undefined); // the first failure is the one to tell
    throw error;
  }
  return part;
}
