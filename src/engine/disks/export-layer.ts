import { existsSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TenkiError } from "../../domain/error.js";
import { layerName } from "../core/snapshots/layer-name.js";
import type { ImageMount } from "../core/ports/images.js";
import { mergedTar } from "./merged-tar.js";
import { markEntries, type Marks } from "./layer-marks.js";
import { tarEnd } from "./tar-entry.js";
import { startTool } from "./tool.js";

export interface ExportLayerOptions {
  /** A session's disk that nobody writes to. */
  readonly disk: string;
  readonly mounts: readonly ImageMount[];
  readonly guestBinary: string;
  /** Whose attributes mark what is removed. Default `trusted`; without root `user`. */
  readonly markedBy?: "trusted" | "user" | undefined;
  readonly signal: AbortSignal;
  /** Lets go of the disk; before the last byte is read, and however reading ends. */
  readonly close: () => Promise<void>;
}

/**
 * The writable layers as one tar, with what was removed as a layer of an OCI image has it. What a guest has called its
 * files is never opened by a path here, which may be longer than the kernel takes one: a program goes down by descriptors.
 */
export function exportLayer(options: ExportLayerOptions): Readable {
  const out = new PassThrough();
  const gone = new AbortController();
  out.once("close", () => gone.abort(new TenkiError("aborted", "nobody reads on")));
  void send(options, AbortSignal.any([options.signal, gone.signal]), out);
  return out;
}

async function send(options: ExportLayerOptions, signal: AbortSignal, out: PassThrough): Promise<void> {
  try {
    await pipeline(layerTar(options, signal), out, { signal: options.signal });
  } catch (error) {
    out.destroy(error as Error); // for whoever reads
  } finally {
    await options.close().catch(() => undefined); // the next start closes it
  }
}

async function* layerTar(options: ExportLayerOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    const { guestBinary, markedBy = "trusted" } = options;
    for (const mount of options.mounts) {
      const upper = join(options.disk, layerName(mount.target));
      if (!existsSync(upper)) continue;
      const prefix = mount.target === "/" ? "" : `${mount.target.slice(1)}/`;
      const place: LayerPlace = { upper, prefix, guestBinary, markedBy, signal };
      const marks: Marks = { redirected: [] };
      yield* markEntries(place, marks);
      yield* startTool([guestBinary, "pack", upper, prefix, markedBy], { signal }).output();
      if (marks.redirected.length > 0) yield* mergedTar(place, mount.lowerDirectories, marks.redirected);
    }
  } finally {
    await options.close();
  }
  yield tarEnd;
}

/** One of the writable layers. */
export interface LayerPlace {
  readonly upper: string;
  /** Ahead of the names of what is in it: `usr/`. */
  readonly prefix: string;
  readonly guestBinary: string;
  readonly markedBy: "trusted" | "user";
  readonly signal: AbortSignal;
}
