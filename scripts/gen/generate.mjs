import { create, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { runPlugin } from "./run-plugin.mjs";
import { onlyRules, withoutRules } from "./without-rules.mjs";

/** Everything that src/gen holds, path → text, from the compiled contract and the files that it imports. */
export function generate(image, pluginPath) {
  const contract = image.file.filter((file) => file.package === "tenki.sandbox.v1");
  return new Map([
    ...generateMessages(image, contract, pluginPath),
    ["rules/descriptor-set.ts", generateRules(image, contract)],
  ]);
}

// The command line parses these descriptors at every start, and has no use for the rules: without them it loads less.
function generateMessages(image, contract, pluginPath) {
  const names = contract.map((file) => file.name);
  return runPlugin(pluginPath, "target=ts,import_extension=js", image.file.map(withoutRules), names);
}

function generateRules(image, contract) {
  const used = new Set(contract.flatMap((file) => [file.name, ...file.dependency]));
  const files = image.file
    .map(onlyRules)
    .filter((file) => used.has(file.name) && file.package !== "buf.validate");
  const set = base64Encode(
    toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: files })),
  );
  return [
    "// @generated from proto/ by scripts/gen.mjs, never edited",
    "",
    "/** The contract with its buf.validate options: a google.protobuf.FileDescriptorSet, base64. */",
    `export const rulesDescriptorSet = "${set}";`,
    "",
  ].join("\n");
}
