import { randomBytes } from "node:crypto";
import { access, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import type { Logger } from "../../lib/logger.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";
import type { Image, Images } from "../core/ports/images.js";
import { isRootless } from "../rootless/is-rootless.js";
import { hostKey } from "./host-key.js";
import { lowerDirectoriesInUse } from "./lower-directories-in-use.js";
import { buildRootlessUsr } from "./rootless-usr.js";
import { buildSkeleton } from "./skeleton.js";

export interface HostImagesOptions {
  readonly dataDir: string;
  readonly log: Logger;
  /** The root of the system tree to make the image from. Default: this machine's. */
  readonly hostRoot?: string | undefined;
}

/** The image `sandbox`: this machine's own system tree, with nothing of it that is secret or can be changed. */
export function createHostImages(options: HostImagesOptions): Images {
  return new HostImages(options);
}

const imageName = "sandbox";
const buildPrefix = ".building-";

class HostImages implements Images {
  readonly #directory: string;
  readonly #host: string;
  readonly #log: Logger;
  readonly #rootless = isRootless();
  /** Of which key, so that callers at the same time share one build. */
  #building: { readonly key: string; readonly done: Promise<void> } | undefined;
  #swept: Promise<void> | undefined;

  constructor(options: HostImagesOptions) {
    this.#directory = join(options.dataDir, "images");
    this.#host = options.hostRoot ?? "/";
    this.#log = options.log;
  }

  async resolve(name: string): Promise<Image> {
    if (name !== imageName && name !== "") {
      throw new TenkiError("not_found", `registry image not found: ${name}`, {
        hint: "the image here is `sandbox`",
      });
    }
    const key = await hostKey(this.#host);
    const place = join(this.#directory, `${imageName}-${key}`);
    await (this.#swept ??= this.#sweep(place));
    if (!(await exists(place))) await this.#build(key, place);
    const usr = join(this.#host, "usr");
    return {
      name: imageName,
      mounts: [
        { target: "/", lowerDirectories: [join(place, "root")] },
        { target: "/usr", lowerDirectories: this.#rootless ? [join(place, "usr"), usr] : [usr] },
      ],
    };
  }

  async #build(key: string, place: string): Promise<void> {
    if (this.#building?.key !== key) {
      const done = this.#buildOnce(place).finally(() => (this.#building = undefined));
      this.#building = { key, done };
    }
    await this.#building.done;
  }

  async #buildOnce(place: string): Promise<void> {
    const began = performance.now();
    const draft = join(this.#directory, `${buildPrefix}${randomBytes(6).toString("hex")}`);
    await mkdir(draft, { recursive: true, mode: 0o700 });
    try {
      await buildSkeleton(this.#host, join(draft, "root"));
      if (this.#rootless) await buildRootlessUsr(join(this.#host, "usr"), join(draft, "usr"));
      // After a power cut, a name must not stand for files that never came to the disk.
      await runProcess(["sync", "--file-system", draft], { env: { ...systemEnvironment } });
      await rename(draft, place);
    } catch (error) {
      await rm(draft, { recursive: true, force: true });
      throw error;
    }
    this.#log.info("image built", { image: imageName, ms: Math.round(performance.now() - began) });
  }

  /** Drafts of an engine that was killed, and images of what the host was before. Once, before anybody uses one. */
  async #sweep(current: string): Promise<void> {
    const inUse = await lowerDirectoriesInUse();
    for (const name of await readdir(this.#directory).catch(() => [])) {
      const path = join(this.#directory, name);
      const isOld = name.startsWith(`${imageName}-`) && path !== current && !inUse.has(join(path, "root"));
      if (isOld || name.startsWith(buildPrefix)) await rm(path, { recursive: true, force: true });
    }
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
