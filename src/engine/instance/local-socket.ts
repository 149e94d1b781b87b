import { createHash } from "node:crypto";
import { join } from "node:path";
import { localSocketName } from "../../domain/local-socket.js";

/** What the kernel takes, without the NUL. */
const pathBytesMax = 107;

/** Where the engine of this token listens besides; undefined where the kernel takes no path that is so long. */
export function localSocket(dataDir: string, token: string): string | undefined {
  const mark = createHash("sha256").update(`socket:${token}`).digest("hex").slice(0, 16);
  const path = join(dataDir, localSocketName(mark));
  return Buffer.byteLength(path) <= pathBytesMax ? path : undefined;
}
