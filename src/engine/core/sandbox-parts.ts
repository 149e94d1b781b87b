import { TenkiError } from "../../domain/error.js";
import type { Disks } from "./ports/disks.js";
import type { Images } from "./ports/images.js";
import type { Network } from "./ports/network.js";
import type { Runtime } from "./ports/runtime.js";
import type { SessionRecord } from "./ports/store.js";
import { hostnameFor } from "./session-name.js";

/** What a sandbox is put together from. */
export interface SandboxParts {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly disks: Disks;
  readonly images: Images;
}

export type SandboxHandles = Partial<Pick<SessionRecord, "networkHandle" | "diskHandle">>;

const gigabyte = 1_000_000_000;

/** Puts a sandbox together and starts it; each part is recorded as soon as it exists, so that it can be removed. */
export async function bootSandbox(
  parts: SandboxParts,
  session: SessionRecord,
  record: (handles: SandboxHandles) => void,
  signal: AbortSignal,
): Promise<void> {
  const taking = [
    parts.images.resolve(session.image),
    parts.disks
      .allocate(session.diskSizeGb * gigabyte)
      .then((disk) => (record({ diskHandle: disk.handle }), disk)),
    parts.network
      .attach({ outbound: session.allowOutbound })
      .then((network) => (record({ networkHandle: network.handle }), network)),
  ] as const;
  // All have to settle before a failure of one is acted on: what comes late would belong to nobody.
  await Promise.allSettled(taking);
  const [image, disk, network] = await Promise.all(taking);
  if (signal.aborted) throw signal.reason;
  await parts.runtime.start(
    {
      sessionId: session.id,
      hostname: hostnameFor(session.name),
      image,
      disk,
      network,
      limits: { cpuCores: session.cpuCores, memoryMb: session.memoryMb },
      environment: session.env,
    },
    signal,
  );
  if (signal.aborted) throw signal.reason;
}

/** Takes a sandbox apart, whatever of it there is; every step is tried, and the first failure told. */
export async function removeSandbox(parts: SandboxParts, session: SessionRecord): Promise<void> {
  const { id, networkHandle, diskHandle } = session;
  await parts.runtime.stop(id);
  const outcomes = await Promise.allSettled([
    networkHandle === undefined ? undefined : parts.network.detach(networkHandle),
    diskHandle === undefined ? undefined : parts.disks.release(diskHandle),
  ]);
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) {
    const { message } = failure.reason as Error;
    throw new TenkiError("internal", `cannot remove all of the sandbox: ${message}`, {
      cause: failure.reason,
      hint: "the engine tries again by itself, and when it starts",
    });
  }
}
