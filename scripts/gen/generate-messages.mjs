import { printSource } from "./lazy-source.mjs";
import { withoutRules } from "./rules-options.mjs";
import { runPlugin } from "./run-plugin.mjs";

const runtimeImport = 'import { lazyFileDesc } from "../../../../lib/lazy-descriptors.js";';

/**
 * The contract's messages and services in TypeScript, path → text. The command line loads them at every start and
 * has no use for the rules: without them there is less to load.
 */
export function generateMessages(image, contract, pluginPath) {
  const files = image.file.map(withoutRules);
  const names = contract.map((file) => file.name);
  const generated = runPlugin(pluginPath, "target=ts,import_extension=js", files, names);
  return [...generated].map(([path, code]) => {
    const file = files.find(({ name }) => path === name.replace(/\.proto$/, "_pb.ts"));
    return [path, useLazyDescriptors(code, file)];
  });
}

// Decoding all descriptors on import is too large a part of the time that a short command takes.
function useLazyDescriptors(code, file) {
  const lazy = replaceOnce(code, /fileDesc\("[^"]*"(?:, |(\)))/, (_, last) => {
    return `lazyFileDesc(${printSource(file)}, ${last === undefined ? "" : "[])"}`;
  });
  return replaceOnce(
    lazy,
    /(import \{.*)\bfileDesc, (.*\n)/,
    (_, before, after) => `${before}${after}${runtimeImport}\n`,
  );
}

function replaceOnce(text, pattern, replacement) {
  if (!pattern.test(text)) {
    throw new Error(`protoc-gen-es generates something new: there is no ${pattern}`);
  }
  return text.replace(pattern, replacement);
}
