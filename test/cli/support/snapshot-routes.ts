import { Code, ConnectError } from "@connectrpc/connect";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  CreateSnapshotRequest,
  SnapshotSchema,
  UpdateSnapshotRequest,
} from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { now, timestamp } from "./session-table.js";

type WireSnapshot = MessageInitShape<typeof SnapshotSchema> & { id: string };

const [ready, user, localReady, durable, deleted] = [2, 1, 1, 2, 5];

/** Snapshots as a service tells of them, newest first; nothing is behind them. */
export function snapshotRoutes() {
  const snapshots: WireSnapshot[] = [];
  const find = (id: string): WireSnapshot => {
    const snapshot = snapshots.find((each) => each.id === id);
    if (snapshot === undefined) throw new ConnectError(`snapshot not found: ${id}`, Code.NotFound);
    return snapshot;
  };
  return {
    createSnapshot({ sessionId, name, expiresAt }: CreateSnapshotRequest) {
      const id = `0190d3c5-0000-7000-8000-${String(snapshots.length).padStart(12, "b")}`;
      const snapshot: WireSnapshot = {
        ...{ id, sessionId, workspaceId: "w", projectId: "p", state: ready, type: user },
        ...{
          sizeBytes: 3n * 2n ** 20n,
          baseImageId: "sandbox",
          cpuCores: 2,
          memoryMb: 4_096,
          diskSizeGb: 10,
        },
        ...{ createdAt: timestamp(now), localReadyAt: timestamp(now), durabilityState: localReady },
        ...(name === undefined ? {} : { name }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      };
      snapshots.unshift(snapshot);
      return { snapshot };
    },
    /** It is durable from when somebody looks again. */
    getSnapshot: ({ snapshotId }: { readonly snapshotId: string }) => ({
      snapshot: Object.assign(find(snapshotId), { durabilityState: durable }),
    }),
    listWorkspaceSnapshots: () => ({ snapshots }),
    listSessionSnapshots: ({ sessionId }: { readonly sessionId: string }) => ({
      snapshots: snapshots.filter((each) => each.sessionId === sessionId),
    }),
    listDanglingSnapshots: () => ({ snapshots: snapshots.slice(-1) }),
    updateSnapshot({ snapshotId, name, tags, clearTags, expiresAt, clearExpiresAt }: UpdateSnapshotRequest) {
      const snapshot = Object.assign(find(snapshotId), {
        ...(clearTags || tags.length > 0 ? { tags } : {}),
        ...(name === undefined ? {} : { name }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
      });
      if (clearExpiresAt) delete snapshot.expiresAt;
      return { snapshot };
    },
    deleteSnapshot({ snapshotId }: { readonly snapshotId: string }) {
      const [snapshot] = snapshots.splice(snapshots.indexOf(find(snapshotId)), 1);
      return { snapshot: { ...snapshot, state: deleted } };
    },
    getSnapshotDownloadURL: ({ snapshotId }: { readonly snapshotId: string }) => ({
      url: `http://127.0.0.1:9/snapshots/${find(snapshotId).id}/download`,
      expiresAt: timestamp(now + 900n),
    }),
  };
}
