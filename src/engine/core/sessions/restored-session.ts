import { TenkiError } from "../../../domain/error.js";
import type { SandboxFile } from "../ports/runtime.js";
import type { SnapshotRecord } from "../ports/snapshot-store.js";
import type { SessionRecord } from "../ports/store.js";
import type { CreateSession } from "./session-requests.js";

/** What of a snapshot's session goes on in a session that is made of it. */
export type RestoreSource = Pick<SnapshotRecord, "cpuCores" | "memoryMb" | "diskSizeGb" | "env"> & {
  readonly image: string;
};

/** A request for a session of a snapshot, with what it leaves out taken from there. */
export function fromSource(request: CreateSession, source: RestoreSource): CreateSession {
  const { diskSizeGb = source.diskSizeGb } = request;
  if (request.image !== "") {
    const message =
      "snapshot_id and registry_ref contradict each other: a snapshot stands on an image already";
    throw new TenkiError("invalid_argument", message);
  }
  if (diskSizeGb < source.diskSizeGb) {
    const message = `disk_size_gb must be at least ${source.diskSizeGb}: so large is the disk of the snapshot`;
    throw new TenkiError("invalid_argument", message);
  }
  return {
    ...request,
    image: source.image,
    cpuCores: request.cpuCores ?? source.cpuCores,
    memoryMb: request.memoryMb ?? source.memoryMb,
    diskSizeGb,
    env: { ...source.env, ...request.env },
  };
}

/** Two machines must not share an identity: whoever needs one makes a new one. */
export const newIdentity = ({ snapshotId }: SessionRecord): SandboxFile[] =>
  snapshotId === undefined ? [] : [{ path: "/etc/machine-id", content: "", mode: 0o444 }];
