import type { Snapshot } from "../domain/snapshot.js";
import { snapshotFromWire } from "./convert/snapshot.js";
import { dateFromWire, dateToWire } from "./convert/time.js";
import { download } from "./download.js";
import { SnapshotFailedError } from "./errors.js";
import { ifOffered } from "./if-offered.js";
import type { WaitOptions } from "./options/waiting.js";
import { allPages, pageSize, type Page } from "./pages.js";
import { pollUntil } from "./poll-until.js";
import type { CallSettings, Rpc } from "./rpc.js";
import type { ListWorkspaceSnapshotsResponse } from "../gen/tenki/sandbox/v1/sandbox_pb.js";

export interface CreateSnapshotOptions extends WaitOptions {
  readonly name?: string | undefined;
  /** Default: never. */
  readonly expiresAt?: Date | undefined;
  /** Return before it is taken. Default false. */
  readonly async?: boolean | undefined;
}

export interface UpdateSnapshotOptions {
  readonly name?: string | undefined;
  readonly expiresAt?: Date | undefined;
  readonly clearExpiresAt?: boolean | undefined;
  /** Replaces the tags; an empty list clears them. */
  readonly tags?: readonly string[] | undefined;
}

export interface SnapshotDownload {
  readonly url: string;
  readonly expiresAt?: Date | undefined;
}

const defaultTimeoutMs = 300_000;

/** Disks of sessions as they were at one moment. */
export class Snapshots {
  readonly #rpc: Rpc;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  async create(sessionId: string, options: CreateSnapshotOptions = {}): Promise<Snapshot> {
    const { name, async = false, timeoutMs = defaultTimeoutMs, signal } = options;
    const request = { sessionId, name, expiresAt: dateToWire(options.expiresAt), async };
    return snapshotFromWire(
      (await this.#rpc.sandbox("createSnapshot", request, { timeoutMs, signal })).snapshot,
    );
  }

  async createAndWait(sessionId: string, options: CreateSnapshotOptions = {}): Promise<Snapshot> {
    const { id } = await this.create(sessionId, { ...options, async: true });
    return this.waitReady(id, options);
  }

  /** Until a session can be made of it. */
  waitReady(snapshotId: string, options: WaitOptions = {}): Promise<Snapshot> {
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    return pollUntil({ what: `snapshot ${snapshotId} to be ready`, timeoutMs, signal }, async () => {
      const snapshot = await this.get(snapshotId, { signal });
      if (snapshot.state === "READY") return snapshot;
      if (snapshot.state === "CREATING") return undefined;
      throw notToBe("ready", snapshot);
    });
  }

  /** Until it outlasts a loss of power, and of the host where the service has others. */
  waitDurable(snapshotId: string, options: WaitOptions = {}): Promise<Snapshot> {
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    return pollUntil({ what: `snapshot ${snapshotId} to be durable`, timeoutMs, signal }, async () => {
      const snapshot = await this.get(snapshotId, { signal });
      if (snapshot.durability === "DURABLE") return snapshot;
      if (snapshot.state !== "CREATING" && snapshot.state !== "READY") throw notToBe("durable", snapshot);
      if (snapshot.durability === "PROPAGATION_FAILED") throw notToBe("durable", snapshot);
      return undefined;
    });
  }

  async get(snapshotId: string, options: CallSettings = {}): Promise<Snapshot> {
    return snapshotFromWire((await this.#rpc.sandbox("getSnapshot", { snapshotId }, options)).snapshot);
  }

  list(options: { readonly workspaceId?: string | undefined } = {}): Promise<Snapshot[]> {
    const workspaceId = options.workspaceId ?? this.#rpc.settings.workspaceId ?? "";
    return allPages(async (pageToken) =>
      page(await this.#rpc.sandbox("listWorkspaceSnapshots", { workspaceId, pageSize, pageToken })),
    );
  }

  listOfSession(sessionId: string): Promise<Snapshot[]> {
    return allPages(async (pageToken) =>
      page(await this.#rpc.sandbox("listSessionSnapshots", { sessionId, pageSize, pageToken })),
    );
  }

  /** Those whose session is gone. */
  listDangling(): Promise<Snapshot[]> {
    return allPages(async (pageToken) =>
      page(await this.#rpc.sandbox("listDanglingSnapshots", { pageSize, pageToken })),
    );
  }

  async update(snapshotId: string, options: UpdateSnapshotOptions): Promise<Snapshot> {
    const { name, tags, clearExpiresAt = false } = options;
    const change = { name, tags: [...(tags ?? [])], clearTags: tags?.length === 0, clearExpiresAt };
    const request = { snapshotId, ...change, expiresAt: dateToWire(options.expiresAt) };
    return snapshotFromWire((await this.#rpc.sandbox("updateSnapshot", request)).snapshot);
  }

  async delete(snapshotId: string): Promise<Snapshot> {
    return snapshotFromWire((await this.#rpc.sandbox("deleteSnapshot", { snapshotId })).snapshot);
  }

  /**
   * Why no snapshot can hold processes with their memory, in words; empty where one can. A service other than tenki's
   * engine may not tell: `CapabilityUnavailableError`.
   */
  async memoryObstacles(options: CallSettings = {}): Promise<readonly string[]> {
    const lack = { says: "knows nothing of memory in snapshots" };
    const { obstacles } = await ifOffered(this.#rpc, lack, () =>
      this.#rpc.memorySnapshots("getMemorySnapshotSupport", {}, options),
    );
    return obstacles;
  }

  async downloadUrl(snapshotId: string): Promise<SnapshotDownload> {
    const { url, expiresAt } = await this.#rpc.sandbox("getSnapshotDownloadURL", { snapshotId });
    return { url, expiresAt: dateFromWire(expiresAt) };
  }

  /** All that differs from the image that it stands on, as a tar. Throws where it breaks off. */
  async export(
    snapshotId: string,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const { url } = await this.downloadUrl(snapshotId);
    return download(url, { ...options, rootCertificates: this.#rpc.settings.rootCertificates });
  }
}

function notToBe(
  what: string,
  { id, state, failureReason, propagationError }: Snapshot,
): SnapshotFailedError {
  const reason = failureReason ?? propagationError;
  const why = reason === undefined ? "" : `: ${reason}`;
  return new SnapshotFailedError(
    "failed_precondition",
    `snapshot ${id} will not be ${what}${why} (state=${state})`,
  );
}

type WirePage = Pick<ListWorkspaceSnapshotsResponse, "snapshots" | "nextPageToken">;

const page = ({ snapshots, nextPageToken }: WirePage): Page<Snapshot> => ({
  items: snapshots.map(snapshotFromWire),
  nextPageToken,
});
