import { setImmediate as nextTurn } from "node:timers/promises";
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
  const state = { answered: false };
  const answer = connection.next().finally(() => (state.answered = true));
  answer.catch(() => undefined);
  connection.answerIsDue = false;
  await sendContent(connection, content, () => state.answered);
  connection.answerIsDue = true;
  if (!state.answered) void connection.send(up.end, Buffer.alloc(0));
  const reader = expectFrame(await answer, down.done, path);
  const written = reader.u64();
  reader.finish();
  return written;
}

/** A guest that takes all at once would otherwise keep everybody else waiting, and its own answer unread. */
const bytesPerTurn = 1 << 20;

async function sendContent(
  connection: GuestConnection,
  content: AsyncIterable<Uint8Array>,
  isAnswered: () => boolean,
): Promise<void> {
  let sent = 0;
  for await (const chunk of content) {
    for (let at = 0; at < chunk.length && !isAnswered(); at += dataBytesMax) {
      const piece = chunk.subarray(at, at + dataBytesMax);
      await connection.send(up.data, piece);
      sent += piece.length;
      if (sent < bytesPerTurn) continue;
      sent = 0;
      await nextTurn();
    }
    if (isAnswered()) return;
  }
}
