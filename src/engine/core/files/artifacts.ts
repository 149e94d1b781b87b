import { randomUUID } from "node:crypto";
import { TenkiError } from "../../../domain/error.js";
import { formatByteSize } from "../../../lib/byte-size.js";
import type { Files } from "./files.js";
import { resolvePathBelowHome } from "./guest-path.js";
import type { ArtifactRecord, ArtifactStore } from "../ports/artifact-store.js";
import type { Clock } from "../ports/clock.js";
import type { FileContent, ReadFileOptions } from "../ports/runtime.js";
import type { Sessions } from "../sessions/sessions.js";

export interface ArtifactsOptions {
  readonly store: ArtifactStore;
  readonly sessions: Sessions;
  readonly files: Files;
  readonly clock: Clock;
}

/** As large as one upload may be, whatever room the sandbox's disk has. */
export const artifactBytesMax = 5 * 2 ** 30;
/** Nobody hands out so many; a program that runs wild does not fill the record. */
const artifactsPerSession = 10_000;

const whole = { offset: 0, length: 0, chunkBytes: 0 };

/** What is handed out of sessions, and into them, by links. */
export class Artifacts {
  readonly #options: ArtifactsOptions;

  constructor(options: ArtifactsOptions) {
    this.#options = options;
  }

  /** A file of a running session becomes one; it need not be there yet. */
  create(sessionId: string, path: string, contentType: string): ArtifactRecord {
    const { store, sessions, clock } = this.#options;
    sessions.requireRunning(sessionId);
    const artifact: ArtifactRecord = {
      id: randomUUID(),
      sessionId,
      source: { kind: "file", path: resolvePathBelowHome(path) },
      contentType: checkContentType(contentType),
      createdAt: clock.now(),
    };
    if (store.countArtifacts(sessionId) >= artifactsPerSession) {
      throw new TenkiError("resource_exhausted", `a session has at most ${artifactsPerSession} artifacts`);
    }
    store.insertArtifact(artifact);
    return artifact;
  }

  get(id: string): ArtifactRecord {
    const artifact = this.#options.store.getArtifact(id);
    if (artifact !== undefined) return artifact;
    throw new TenkiError("not_found", `artifact not found: ${id}`);
  }

  /** Puts `content` in its place as a whole, or leaves there what was; resolves with its size. */
  upload({ sessionId, source }: ArtifactRecord, content: AsyncIterable<Uint8Array>): Promise<number> {
    // It may be larger than all the room that is left.
    const options = { mode: 0, truncate: true, sync: true };
    return this.#options.files.write(sessionId, source.path, bounded(content), options);
  }

  /** What there is now; its reader has to iterate it. */
  download({ sessionId, source }: ArtifactRecord, range: ReadFileOptions = whole): Promise<FileContent> {
    return this.#options.files.read(sessionId, source.path, range);
  }
}

async function* bounded(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > artifactBytesMax) throw tooLarge();
    yield chunk;
  }
}

export const tooLarge = (): TenkiError =>
  new TenkiError("out_of_range", `an upload holds at most ${formatByteSize(artifactBytesMax)}`);

/** It becomes a header: a type, a subtype and parameters, in plain characters. */
function checkContentType(contentType: string): string {
  if (contentType === "") return "application/octet-stream";
  if (/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(;[\x20-\x7e]*)?$/.test(contentType) && contentType.length <= 255) {
    return contentType;
  }
  throw new TenkiError("invalid_argument", "content_type has to be like text/plain or image/png");
}
