import type { SessionInfo } from "../domain/session.js";
import { createSession } from "./create-session.js";
import type { ForkOptions } from "./options/sessions.js";
import type { Rpc } from "./rpc.js";
import type { Session } from "./session.js";
import { Snapshots } from "./snapshots.js";

/** What nobody was left to delete goes by itself. */
const snapshotLifeMs = 3_600_000;

/**
 * Makes a session that begins as this one is now, on disk: with its resources, variables, tags, metadata and network;
 * without its processes, volumes, SSH keys and secrets. Waits until commands would run.
 */
export async function forkSession(rpc: Rpc, session: Session, options: ForkOptions = {}): Promise<Session> {
  const { name, keepSnapshot = false, timeoutMs, signal } = options;
  const info = await session.refresh();
  const egress = await session.egress();
  const snapshots = new Snapshots(rpc);
  const { id: snapshotId } = await snapshots.create(session.id, {
    name: `fork of ${info.name}`.slice(0, 64).trim(),
    expiresAt: keepSnapshot ? undefined : new Date(Date.now() + snapshotLifeMs),
    ...{ timeoutMs, signal },
  });
  try {
    const allowEgress = egress?.allow;
    const wanted = { ...likeThat(info), snapshotId, name, waitTimeoutMs: timeoutMs, signal };
    return await createSession(rpc, {
      ...wanted,
      ...(allowEgress === undefined ? { allowOutbound: info.allowOutbound } : { allowEgress }),
    });
  } finally {
    if (!keepSnapshot) await snapshots.delete(snapshotId).catch(() => undefined); // it expires
  }
}

/** As long as the other was given in all. */
const lifeOf = ({ createdAt, timeoutAt }: SessionInfo): number | undefined =>
  timeoutAt === undefined ? undefined : timeoutAt.getTime() - createdAt.getTime();

const likeThat = (info: SessionInfo) => ({
  cpuCores: info.cpuCores,
  memoryMb: info.memoryMb,
  diskSizeGb: info.diskSizeGb,
  allowInbound: info.allowInbound,
  maxDurationMs: lifeOf(info),
  idleTimeoutMinutes: info.idleTimeoutMinutes,
  pauseRetentionMs: info.pauseRetentionMs,
  tags: info.tags,
  metadata: info.metadata,
  projectId: info.projectId,
});
