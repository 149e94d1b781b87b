import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { encodeFrame } from "../../src/engine/server/byte-frames.js";
import { AttachExecutionResponseSchema } from "../../src/gen/tenki/engine/v1/execution_pb.js";
import {
  SandboxSessionDataPlaneServiceReadFileStreamResponseSchema as ReadSchema,
  SandboxSessionDataPlaneServiceRunResponseSchema as RunSchema,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";

/** As the library would write it. */
function expected(schema: DescMessage, message: Message): Buffer {
  const body = toBinary(schema, message);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

describe("a message in which bytes are passed on as they are", () => {
  for (const length of [1, 127, 128, 20_000, 3_000_000]) {
    const value = new Uint8Array(length).fill(7);
    const messages: readonly (readonly [string, DescMessage, Message])[] = [
      ...(["stdout", "stderr"] as const).flatMap((kind) => [
        [
          `Run, ${kind}`,
          RunSchema,
          create(RunSchema, { frame: { payload: { case: kind, value } } }),
        ] as const,
        [
          `AttachExecution, ${kind}`,
          AttachExecutionResponseSchema,
          create(AttachExecutionResponseSchema, { payload: { case: kind, value } }),
        ] as const,
      ]),
      ["ReadFileStream", ReadSchema, create(ReadSchema, { response: { data: value, totalSize: 9n } })],
    ];
    for (const [name, schema, message] of messages) {
      it(`is what the library would write: ${name}, ${length} bytes`, () => {
        const frame = encodeFrame(schema, message);
        assert.ok(
          frame.some((part) => part === value),
          "they were copied",
        );
        if (name === "ReadFileStream") return; // the order of its fields is another
        assert.ok(Buffer.concat(frame).equals(expected(schema, message)));
      });
    }
  }
});
