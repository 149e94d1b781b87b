import { printSource } from "./lazy-source.mjs";
import { onlyRules } from "./rules-options.mjs";

/**
 * The contract once more, with its buf.validate options and without services: what the engine holds requests
 * against. The options stay bytes that only the validator reads, so that nothing declares them a second time.
 */
export function generateRules(contract) {
  const files = contract.map(onlyRules);
  const wellKnown = new Set(files.flatMap((file) => file.dependency).filter(isWellKnown));
  const code = [
    "// @generated from proto/ by scripts/gen.mjs",
    `import { ${[...wellKnown].map(identifier).join(", ")} } from "@bufbuild/protobuf/wkt";`,
    'import { lazyFileDesc } from "../../lib/lazy-descriptors.js";',
    ...files.map(printFile),
    `export const filesWithRules = [${files.map(({ name }) => identifier(name)).join(", ")}];`,
  ];
  return [["rules/files-with-rules.ts", `${code.join("\n\n")}\n`]];
}

function printFile(file) {
  const dependencies = file.dependency.map(identifier).join(", ");
  return `const ${identifier(file.name)} = lazyFileDesc(${printSource(file)}, [${dependencies}]);`;
}

function isWellKnown(name) {
  return name.startsWith("google/protobuf/");
}

function identifier(fileName) {
  return `file_${fileName.replace(/\.proto$/, "").replaceAll("/", "_")}`;
}
