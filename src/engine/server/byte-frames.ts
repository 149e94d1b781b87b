import { create, type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import type { AttachExecutionResponse } from "../../gen/tenki/engine/v1/execution_pb.js";
import {
  ReadFileStreamResponseSchema,
  type SandboxSessionDataPlaneServiceReadFileStreamResponse,
  type SandboxSessionDataPlaneServiceRunResponse,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { envelopeHeadBytes, writeHead } from "./envelopes.js";

/** A message as it goes over the wire, in pieces that are written one after the other. */
export type Frame = readonly Uint8Array[];

/**
 * Writes a message of a stream. Where all of it is a piece of output or of a file, the piece itself
 * is passed on: the library would copy it three times, which is most of what a gigabyte costs.
 */
export function encodeFrame(schema: DescMessage, message: Message): Frame {
  const part = bytesWithin(message);
  if (part === undefined) {
    const body = toBinary(schema, message);
    const head = new Uint8Array(envelopeHeadBytes);
    writeHead(head, body.length);
    return [head, body];
  }
  return wrapBytes(part);
}

/** A message in which `data` stands at `fieldNumber` beside `rest`, or one whose only field is such a message. */
interface BytesWithin {
  readonly outerFieldNumber?: number;
  readonly fieldNumber: number;
  readonly rest: Uint8Array;
  readonly data: Uint8Array;
}

const none = new Uint8Array(0);

function bytesWithin(message: Message): BytesWithin | undefined {
  switch (message.$typeName) {
    case "tenki.sandbox.v1.SandboxSessionDataPlaneServiceRunResponse": {
      const { payload } = (message as SandboxSessionDataPlaneServiceRunResponse).frame ?? {};
      if (payload?.case !== "stdout" && payload?.case !== "stderr") return undefined;
      const fieldNumber = payload.case === "stdout" ? 2 : 3;
      return { outerFieldNumber: 1, fieldNumber, rest: none, data: payload.value };
    }
    case "tenki.engine.v1.AttachExecutionResponse": {
      const { payload } = message as AttachExecutionResponse;
      if (payload.case !== "stdout" && payload.case !== "stderr") return undefined;
      return { fieldNumber: payload.case === "stdout" ? 2 : 3, rest: none, data: payload.value };
    }
    case "tenki.sandbox.v1.SandboxSessionDataPlaneServiceReadFileStreamResponse": {
      const { response } = message as SandboxSessionDataPlaneServiceReadFileStreamResponse;
      if (response === undefined || response.data.length === 0) return undefined;
      const { eof, totalSize, data } = response;
      const rest = toBinary(
        ReadFileStreamResponseSchema,
        create(ReadFileStreamResponseSchema, { eof, totalSize }),
      );
      return { outerFieldNumber: 1, fieldNumber: 1, rest, data };
    }
    default:
      return undefined;
  }
}

function wrapBytes({ outerFieldNumber, fieldNumber, rest, data }: BytesWithin): Frame {
  const innerLength = rest.length + 1 + varintLength(data.length) + data.length;
  const length = outerFieldNumber === undefined ? innerLength : 1 + varintLength(innerLength) + innerLength;
  const prefix = new Uint8Array(envelopeHeadBytes + length - data.length);
  writeHead(prefix, length);
  let at = envelopeHeadBytes;
  if (outerFieldNumber !== undefined) at = writeField(prefix, at, outerFieldNumber, innerLength);
  prefix.set(rest, at);
  writeField(prefix, at + rest.length, fieldNumber, data.length);
  return [prefix, data];
}

const lengthDelimited = 2;

function writeField(target: Uint8Array, start: number, fieldNumber: number, length: number): number {
  let at = start;
  target[at++] = (fieldNumber << 3) | lengthDelimited;
  let left = length;
  for (; left > 0x7f; left >>>= 7) target[at++] = (left & 0x7f) | 0x80;
  target[at++] = left;
  return at;
}

function varintLength(value: number): number {
  let length = 1;
  for (let left = value; left > 0x7f; left >>>= 7) length += 1;
  return length;
}
