import {
  type DescEnum,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescMethod,
  ScalarType,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import type { Rows } from "./rows.js";

interface ReservedRange {
  readonly start: number;
  readonly end: number;
}

/** What descriptors say, in the words of wire.txt. */
export function describeFiles(files: readonly DescFile[]): Rows {
  return new Map(files.flatMap((file) => [...describeFile(file)]));
}

function* describeFile(file: DescFile): Generator<[string, string]> {
  yield [`file ${file.proto.name}`, `package ${file.proto.package}, ${file.proto.syntax}`];
  for (const type of nestedTypes(file)) {
    const key = `${type.kind} ${shortName(type.typeName)}`;
    if (type.kind !== "extension") {
      yield [key, file.proto.name];
    }
    if (type.kind === "service") {
      yield* type.methods.map((method): [string, string] => [
        `rpc ${type.name}.${method.name}`,
        describeMethod(method),
      ]);
    } else if (type.kind === "message") {
      yield* type.fields.map((field): [string, string] => [`${key}.${field.number}`, describeField(field)]);
      yield* describeReserved(key, type.proto.reservedRange);
    } else if (type.kind === "enum") {
      yield* type.values.map((value): [string, string] => [`${key}.${value.number}`, value.name]);
      // An enum's ranges include their end, a message's do not.
      yield* describeReserved(
        key,
        type.proto.reservedRange.map(({ start, end }) => ({ start, end: end + 1 })),
      );
    }
  }
}

function describeMethod({ methodKind, input, output }: DescMethod): string {
  const up = methodKind === "client_streaming" || methodKind === "bidi_streaming" ? "stream " : "";
  const down = methodKind === "server_streaming" || methodKind === "bidi_streaming" ? "stream " : "";
  return `(${up}${shortName(input.typeName)}) returns (${down}${shortName(output.typeName)})`;
}

function describeField(field: DescField): string {
  const label = field.fieldKind === "list" ? "repeated " : field.proto.proto3Optional ? "optional " : "";
  const oneof = field.oneof === undefined ? "" : ` [oneof ${field.oneof.name}]`;
  return `${label}${describeType(field)} ${field.name}${oneof}`;
}

function describeType(field: DescField): string {
  const value = describeValue(field);
  return field.fieldKind === "map" ? `map<${scalarName(field.mapKey)},${value}>` : value;
}

function describeValue({ message, enum: enumeration, scalar }: DescField): string {
  const type: DescMessage | DescEnum | undefined = message ?? enumeration;
  return type === undefined ? scalarName(scalar) : shortName(type.typeName);
}

function* describeReserved(key: string, ranges: readonly ReservedRange[]): Generator<[string, string]> {
  const numbers = ranges.flatMap(({ start, end }) =>
    Array.from({ length: end - start }, (_, at) => start + at),
  );
  if (numbers.length > 0) {
    yield [`reserved in ${key}`, numbers.sort((a, b) => a - b).join(" ")];
  }
}

function scalarName(scalar: ScalarType | undefined): string {
  return scalar === undefined ? "" : (ScalarType[scalar]?.toLowerCase() ?? "");
}

function shortName(typeName: string): string {
  return typeName.replace(/^tenki\.sandbox\.v1\./, "");
}
