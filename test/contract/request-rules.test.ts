import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { validateRequest } from "../../src/engine/services/request-rules.js";
import {
  CreateSessionRequestSchema,
  GetSessionRequestSchema,
  ListVolumesRequestSchema,
  SandboxSessionDataPlaneServiceRunRequestSchema as RunRequestSchema,
} from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { CreateTemplateRequestSchema } from "../../src/gen/tenki/sandbox/v1/template_pb.js";
import { contractMessages } from "./contract-files.js";

const uuid = "0190a8f2-4b5c-7d6e-8f90-123456789abc";
const owner = { ownerType: "SERVICE", ownerId: "self" };

function broken<Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>): string[] {
  const violations = validateRequest(schema, create(schema, init));
  return violations.map(({ field, rule }) => `${field}: ${rule}`);
}

describe("validateRequest", () => {
  it("has nothing against a request that keeps every rule", () => {
    const request = { ...owner, cpuCores: 2, memoryMb: 4096, workspaceId: uuid, tags: ["ci"] };
    assert.deepEqual(broken(CreateSessionRequestSchema, request), []);
  });

  it("names the field as the contract spells it, the rule, and what it asks for", () => {
    const request = create(GetSessionRequestSchema, { sessionId: "not-a-uuid" });
    assert.deepEqual(validateRequest(GetSessionRequestSchema, request), [
      { field: "session_id", rule: "string.uuid", message: "must be a valid UUID" },
    ]);
  });

  it("reports every broken rule, inside lists, maps and messages too", () => {
    const request = {
      ...owner,
      ownerType: "NOBODY",
      tags: ["ok", "Not OK"],
      volumes: [{ volumeId: uuid, mountPath: "" }],
      setupEnv: { "1ST": "x" },
    };
    assert.deepEqual(broken(CreateSessionRequestSchema, request).sort(), [
      "owner_type: string.in",
      'setup_env["1ST"]: string.pattern',
      "tags[1]: string.pattern",
      "volumes[0].mount_path: string.min_len",
    ]);
  });

  it("holds the contract's own expressions against a field, in their own words", () => {
    const request = create(CreateSessionRequestSchema, { ...owner, memoryMb: 1025 });
    assert.deepEqual(validateRequest(CreateSessionRequestSchema, request), [
      {
        field: "memory_mb",
        rule: "memory_mb.aligned_2mib",
        message: "memory_mb must be aligned to 2 MiB",
      },
    ]);
  });

  it("holds an expression over a whole message against that message", () => {
    const builderSpec = { specVersion: "tenki.template.v1", base: {} };
    const request = { name: "web", baseImageId: "sandbox", builderSpec };
    assert.deepEqual(broken(CreateTemplateRequestSchema, request), [
      "builder_spec.base: template_base.source_required",
      ": create_template.typed_or_legacy",
    ]);
  });

  it("checks an optional field that is set to zero, and not one that is unset", () => {
    assert.deepEqual(broken(CreateSessionRequestSchema, owner), []);
    assert.deepEqual(broken(CreateSessionRequestSchema, { ...owner, cpuCores: 0 }), [
      "cpu_cores: int32.gte_lte",
    ]);
  });

  it("accepts the zero value where the contract ignores it, and no nonsense", () => {
    assert.deepEqual(broken(ListVolumesRequestSchema, {}), []);
    assert.deepEqual(broken(ListVolumesRequestSchema, { workspaceId: "mine" }), [
      "workspace_id: string.uuid",
    ]);
  });

  it("misses a required message, and looks into one that is there", () => {
    const start = { sessionId: uuid };
    assert.deepEqual(broken(RunRequestSchema, {}), ["frame: required"]);
    assert.deepEqual(broken(RunRequestSchema, { frame: { payload: { case: "start", value: start } } }), [
      "frame.start.cmd: repeated.min_items",
    ]);
  });

  it("can check every message of the contract: no expression fails to compile or to run", () => {
    for (const schema of contractMessages) {
      assert.doesNotThrow(() => validateRequest(schema, create(schema)), schema.typeName);
    }
  });
});
