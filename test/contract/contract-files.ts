import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { file_tenki_sandbox_v1_registry } from "../../src/gen/tenki/sandbox/v1/registry_pb.js";
import { file_tenki_sandbox_v1_sandbox } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { file_tenki_sandbox_v1_ssh_gateway_client } from "../../src/gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
import { file_tenki_sandbox_v1_template } from "../../src/gen/tenki/sandbox/v1/template_pb.js";

export const contractFiles: readonly DescFile[] = [
  file_tenki_sandbox_v1_registry,
  file_tenki_sandbox_v1_template,
  file_tenki_sandbox_v1_sandbox,
  file_tenki_sandbox_v1_ssh_gateway_client,
];

export const contractMessages: readonly DescMessage[] = contractFiles
  .flatMap((file) => [...nestedTypes(file)])
  .filter((type) => type.kind === "message");
