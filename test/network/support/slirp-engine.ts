import type { EgressRule } from "../../../src/domain/egress.js";
import { createSlirpNetwork } from "../../../src/engine/network/slirp-network.js";
import { listSlirps } from "../../../src/engine/network/slirp.js";
import { silentLogger } from "../../../src/lib/logger.js";
import type { Target } from "./probe.js";
import { ask } from "./world.js";

/** What a test asks of an engine's network that runs as somebody else, in namespaces of its own. */
export type Request =
  | { readonly call: "attach"; readonly outbound: boolean; readonly egress?: readonly EgressRule[] }
  | { readonly call: "detach"; readonly handle: string }
  | { readonly call: "sweep"; readonly keep: readonly string[] }
  | { readonly call: "close" }
  | { readonly call: "restart" }
  | { readonly call: "probe"; readonly namespacePath: string; readonly targets: readonly Target[] }
  | { readonly call: "slirps"; readonly namespacePath: string };

const create = () => createSlirpNetwork({ dataDir: process.argv[2] ?? "", log: silentLogger });
let network = await create();

process.on("message", (request: Request) => {
  answer(request).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ result: "ready" });

// oxlint-disable-next-line typescript/consistent-return -- every call is a case
async function answer(request: Request): Promise<unknown> {
  switch (request.call) {
    case "attach":
      return network.attach(request);
    case "detach":
      return network.detach(request.handle);
    case "sweep":
      return network.sweep(new Map(request.keep.map((handle) => [handle, { outbound: true }])));
    case "close":
      return network.close({ removeShared: true });
    case "restart":
      network = await create();
      return "restarted";
    case "probe":
      return ask(["nsenter", `--net=${request.namespacePath}`], request.targets);
    case "slirps":
      return listSlirps(request.namespacePath);
  }
}
