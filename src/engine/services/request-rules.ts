import { createRegistry, type DescMessage, type Message, type Registry } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Validator } from "@bufbuild/protovalidate";
import { filesWithRules } from "../../gen/rules/files-with-rules.js";

/** A rule that a request breaks. */
export interface RuleViolation {
  /** Path of the field as the contract spells it, `volumes[0].volume_id`; empty where the rule is the whole message's. */
  readonly field: string;
  /** The rule's id, `string.uuid` or the contract's own, `memory_mb.aligned_2mib`. */
  readonly rule: string;
  readonly message: string;
}

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

interface Rules {
  readonly registry: Registry;
  readonly validator: Validator;
}

// Made on first use: the rules are a second set of descriptors, which the engine does not need for starting up.
let rules: Rules | undefined;

function loadRules(): Rules {
  return { registry: createRegistry(...filesWithRules), validator: createValidator() };
}

function findSchema(registry: Registry, schema: DescMessage): DescMessage {
  const found = registry.getMessage(schema.typeName);
  if (found === undefined) {
    throw new Error(`no rules are known for ${schema.typeName}`);
  }
  return found;
}
