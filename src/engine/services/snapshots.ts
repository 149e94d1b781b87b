import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Sessions } from "../core/sessions/sessions.js";
import type { ListSnapshots } from "../core/snapshots/snapshot-requests.js";
import type { Snapshots } from "../core/snapshots/snapshots.js";
import { toWireSnapshot } from "./convert/snapshot.js";
import type { SnapshotLinks } from "./snapshot-links.js";

export interface SnapshotMethodsOptions {
  readonly sessions: Sessions;
  readonly snapshots: Snapshots;
  readonly snapshotLinks: SnapshotLinks;
}

/** The methods about snapshots. */
export function snapshotMethods({ sessions, snapshots, snapshotLinks }: SnapshotMethodsOptions) {
  const list = (request: ListSnapshots) => {
    const page = snapshots.list(request);
    return { snapshots: page.snapshots.map(toWireSnapshot), nextPageToken: page.nextPageToken };
  };
  return {
    async createSnapshot({ sessionId, name, expiresAt, storeRawImage, async }) {
      if (storeRawImage === true) throw new TenkiError("unimplemented", "this engine keeps no raw images");
      const wanted = { name, expiresAt: toDate(expiresAt), async };
      return { snapshot: toWireSnapshot(await sessions.snapshots.create(sessionId, wanted)) };
    },
    getSnapshot({ snapshotId }) {
      return { snapshot: toWireSnapshot(snapshots.get(snapshotId)) };
    },
    getSnapshotDownloadURL({ snapshotId }, context) {
      return snapshotLinks.issue(snapshots.requireReady(snapshotId).id, context);
    },
    listSnapshots: ({ pageSize, pageToken }) => list({ pageSize, pageToken }),
    listSessionSnapshots: ({ sessionId, pageSize, pageToken }) => list({ sessionId, pageSize, pageToken }),
    listDanglingSnapshots: ({ pageSize, pageToken }) => list({ dangling: true, pageSize, pageToken }),
    listWorkspaceSnapshots: ({ workspaceId, pageSize, pageToken }) =>
      list({ workspaceId, pageSize, pageToken }),
    listProjectSnapshots: ({ projectId, workspaceId, pageSize, pageToken }) =>
      list({ projectId, workspaceId, pageSize, pageToken }),
    async updateSnapshot({ snapshotId, name, expiresAt, tags, clearTags, clearExpiresAt }) {
      const change = { name, expiresAt: toDate(expiresAt), tags, clearTags, clearExpiresAt };
      return { snapshot: toWireSnapshot(await snapshots.update(snapshotId, change)) };
    },
    async deleteSnapshot({ snapshotId }) {
      return { snapshot: toWireSnapshot(await snapshots.delete(snapshotId)) };
    },
  } satisfies Partial<ServiceImpl<typeof SandboxService>>;
}

const toDate = (time: Timestamp | undefined): Date | undefined =>
  time === undefined ? undefined : timestampDate(time);
