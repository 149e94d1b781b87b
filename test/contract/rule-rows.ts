import { createRegistry, getOption, hasOption, isMessage, toJson } from "@bufbuild/protobuf";
import type { DescExtension, DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import { violationsToProto } from "@bufbuild/protovalidate";
import { filesWithRules } from "../../src/gen/rules/files-with-rules.js";
import { readContract, type Rows } from "./rows.js";

const ruleLine = /^([\w.]+): (\{.+\})$/;
const deprecatedHeading = "Deprecated (still accepted, never required):";

/** The rules as rules.txt has them, with their JSON in one canonical form. */
export function readRuleRows(): Rows {
  const lines = readContract("rules.txt");
  const rules = lines
    .slice(lines.indexOf(""), lines.indexOf(deprecatedHeading))
    .filter((line) => line !== "");
  return new Map(rules.map(parseRule));
}

/** The fields that rules.txt lists as deprecated. */
export function readDeprecatedRows(): Rows {
  const lines = readContract("rules.txt");
  const fields = lines.slice(lines.indexOf(deprecatedHeading) + 1).filter((line) => line !== "");
  return new Map(fields.map((field) => [field, "deprecated"]));
}

/** The rules that the engine checks requests against. */
export function describeRules(): Rows {
  const contract = filesWithRules.filter(({ proto }) => proto.package === "tenki.sandbox.v1");
  const messages = [...createRegistry(...contract)].filter((type) => type.kind === "message");
  return new Map(messages.flatMap(describeMessage));
}

/** The fields that messages mark as deprecated. */
export function describeDeprecated(messages: readonly DescMessage[]): Rows {
  const fields = messages.flatMap((message) => message.fields).filter((field) => field.deprecated);
  return new Map(fields.map((field) => [`${field.parent.name}.${field.name}`, "deprecated"]));
}

function parseRule(line: string): [string, string] {
  const [, name = "", json = ""] = ruleLine.exec(line) ?? [];
  if (name === "") {
    throw new Error(`rules.txt has a line that this test cannot read: ${line}`);
  }
  return [name, canonical(JSON.parse(json))];
}

function describeMessage(message: DescMessage): [string, string][] {
  const owners: (DescMessage | DescOneof | DescField)[] = [message, ...message.oneofs, ...message.fields];
  return owners.flatMap((owner) => {
    const extension = ruleExtension(owner.kind);
    const name = owner.kind === "message" ? owner.name : `${message.name}.${owner.name}`;
    return hasOption(owner, extension) ? [[name, describeOption(owner, extension)] as [string, string]] : [];
  });
}

function describeOption(owner: DescMessage | DescOneof | DescField, extension: DescExtension): string {
  const rules = getOption(owner, extension);
  if (extension.message === undefined || !isMessage(rules)) {
    throw new Error(`${extension.typeName} is no message`);
  }
  return canonical(toJson(extension.message, rules));
}

/** The option of buf.validate that holds the rules of a message, oneof or field. */
function ruleExtension(name: "message" | "oneof" | "field"): DescExtension {
  const [, { file }] = violationsToProto([]);
  const found = file.extensions.find((extension) => extension.name === name);
  if (found === undefined) {
    throw new Error(`buf.validate has no option ${name}`);
  }
  return found;
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
