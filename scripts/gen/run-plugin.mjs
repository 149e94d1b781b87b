import { execFileSync } from "node:child_process";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { CodeGeneratorRequestSchema, CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";

const maxResponseBytes = 64 * 1024 * 1024;

/** Hands descriptors to a protoc plugin, as protoc would, and returns what it generates: path → text. */
export function runPlugin(pluginPath, parameter, files, fileToGenerate) {
  const request = create(CodeGeneratorRequestSchema, { parameter, fileToGenerate, protoFile: files });
  const input = toBinary(CodeGeneratorRequestSchema, request);
  const output = execFileSync(pluginPath, [], { input, maxBuffer: maxResponseBytes });
  const response = fromBinary(CodeGeneratorResponseSchema, output);
  if (response.error !== "") {
    throw new Error(response.error);
  }
  return new Map(response.file.map((file) => [file.name, file.content]));
}
