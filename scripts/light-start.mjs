// Plugins that keep what a command does not use from being loaded: half of a short command's time is Node's own
// modules, and most of those are imported for one rare case.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const slow = [
  ...["child_process", "crypto", "dns", "dns/promises", "fs/promises", "http", "https", "os", "readline"],
  ...["readline/promises", "stream/promises", "timers/promises", "tls", "worker_threads", "zlib"],
];

/** A slow module of Node's own is loaded when one of its members is first looked at. */
export const slowBuiltinsLate = {
  name: "slow-builtins-late",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:|^[a-z_/]+$/ }, ({ path, namespace }) => {
      const name = path.replace(/^node:/, "");
      if (!slow.includes(name)) return undefined;
      return namespace === "late"
        ? { path: `node:${name}`, external: true }
        : { path: name, namespace: "late" };
    });
    onLoad({ filter: /.*/, namespace: "late" }, ({ path }) => {
      const members = Object.keys(require(`node:${path}`)).map(
        (member) => `${member}: { enumerable: true, get: () => load().${member} },`,
      );
      return {
        contents: `
          let loaded;
          const load = () => (loaded ??= require("node:${path}"));
          Object.defineProperties(module.exports, { ${members.join("\n")} });`,
      };
    });
  },
};

/** Of the gRPC library the one transport that is used, without the compression that is never asked for. */
export const grpcAlone = {
  name: "grpc-alone",
  setup({ onResolve, onLoad }) {
    const library = dirname(require.resolve("@connectrpc/connect-node")).replace(/\/cjs$/, "/esm");
    onResolve({ filter: /^@connectrpc\/connect-node$/ }, () => ({
      path: join(library, "grpc-transport.js"),
    }));
    onLoad({ filter: /connect-node\/dist\/esm\/compression\.js$/ }, () => ({
      contents: "export const compressionGzip = undefined, compressionBrotli = undefined;",
    }));
  },
};
