import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { violationsToProto } from "@bufbuild/protovalidate";
import { printDeclarations } from "./print-declarations.mjs";

/**
 * Lints the contract, checks its formatting and compiles it to descriptors, imports first.
 *
 * The contract imports buf/validate/validate.proto, which no npm package carries as source. The validator at run
 * time carries its descriptor, so the source is written from that one, for the time of the build, and needs neither
 * a registry nor a second copy that could differ from what checks the requests.
 */
export function buildImage(protoDir, bufPath) {
  const workspace = mkdtempSync(join(tmpdir(), "tenki-gen-"));
  try {
    cpSync(protoDir, workspace, { recursive: true });
    writeValidateProto(workspace);
    const buf = (...args) => runBuf(bufPath, args, workspace);
    buf("format", "--diff", "--exit-code", "--path", "tenki");
    buf("lint", "--path", "tenki");
    buf("build", "--as-file-descriptor-set", "--output", "image.binpb");
    return fromBinary(FileDescriptorSetSchema, readFileSync(join(workspace, "image.binpb")));
  } finally {
    rmSync(workspace, { recursive: true });
  }
}

function writeValidateProto(workspace) {
  const [, violationsSchema] = violationsToProto([]);
  const { proto } = violationsSchema.file;
  const path = join(workspace, proto.name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, printDeclarations(proto));
}

function runBuf(bufPath, args, cwd) {
  const { status, stdout, stderr } = spawnSync(bufPath, args, { cwd, encoding: "utf8" });
  if (status !== 0) {
    throw new Error(`buf ${args[0]} refused the contract:\n${stdout}${stderr}`);
  }
}
