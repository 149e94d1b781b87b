import type { WriteFileOptions } from "../../core/ports/runtime.js";
import type { GuestConnection } from "./connection.js";
import { expectFrame } from "./guest-error.js";
import { PayloadWriter } from "./payload.js";
import { dataBytesMax, down, request, up } from "./protocol.js";

/** Writes a file in the guest. Where `content` fails, the connection drops and the old file stays. */
export async function writeContent(
  connection: GuestConnection,
  path: string,
  content: AsyncIterable<Uint8Array>,
  options: WriteFileOptions,
): Promise<number> {
  const start = new PayloadWriter().string(path).u32(options.mode);
  start.u8(options.truncate ? 1 : 0).u8(options.sync ? 1 : 0);
  void connection.send(request.write, start.finish());
  // Asked for ahead: a full disk is known long before the content is all there.
  let answered = false;
  const answer = connection.next().finally(() => (answered = true));
  answer.catch(() => undefined);
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length && !answered; at += dataBytesMax) {
      await connection.send(up.data, chunk.subarray(at, at + dataBytesMax));
    }
    if (answered) break;
  }
  if (!answered) void connection.send(up.end, Buffer.alloc(0));
  const reader = expectFrame(await answer, down.done, path);
  const written = reader.u64();
  reader.finish();
  return written;
}
