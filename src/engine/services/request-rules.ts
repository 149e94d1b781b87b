import {
  createFileRegistry,
  fromBinary,
  type DescMessage,
  type FileRegistry,
  type Message,
} from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { rulesDescriptorSet } from "../../gen/rules/descriptor-set.js";

/** A rule that a request breaks. */
export type RuleViolation = {
  /** Path of the field as the contract spells it, `volumes[0].volume_id`; empty where the rule is the whole message's. */
  field: string;
  /** The rule's id, `string.uuid` or the contract's own, `memory_mb.aligned_2mib`. */
  rule: string;
  message: string;
};

/** What the contract's rules say against a request: nothing, when it may be served. */
export function validateRequest(schema: DescMessage, message: Message): RuleViolation[] {
  rules ??= loadRules();
  const result = rules.validator.validate(findSchema(rules.registry, schema), message);
  if (result.kind === "error") {
    throw result.error;
  }
  return (result.violations ?? []).map((violation) => ({
    field: pathToString(violation.field),
    rule: violation.ruleId,
    message: violation.message,
  }));
}

type Rules = { registry: FileRegistry; validator: Validator };

// Read on first use: the contract with its rules is a second set of descriptors, which starting up does not need.
let rules: Rules | undefined;

function loadRules(): Rules {
  const files = fromBinary(FileDescriptorSetSchema, base64Decode(rulesDescriptorSet));
  return { registry: createFileRegistry(files), validator: createValidator() };
}

function findSchema(registry: FileRegistry, schema: DescMessage): DescMessage {
  const found = registry.getMessage(schema.typeName);
  if (found === undefined) {
    throw new Error(`no rules are known for ${schema.typeName}`);
  }
  return found;
}
