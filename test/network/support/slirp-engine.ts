import { readEgressRule } from "../../../src/domain/egress.js";
import type { NetworkPolicy } from "../../../src/engine/core/ports/network.js";
import { createSlirpNetwork } from "../../../src/engine/network/slirp-network.js";
import { listSlirps } from "../../../src/engine/network/slirp.js";
import { silentLogger } from "../../../src/lib/logger.js";
import type { Target } from "./probe.js";
import { ask } from "./world.js";

/** What a test asks of an engine's network that runs as somebody else, in namespaces of its own. */
export type Request =
  | { readonly call: "attach"; readonly outbound: boolean; readonly egress?: readonly string[] }
  | { readonly call: "detach" | "refused"; readonly handle: string }
  | {
      readonly call: "sweep";
      readonly keep: readonly string[];
      readonly lists?: Readonly<Record<string, readonly string[]>>;
    }
  | { readonly call: "close" }
  | { readonly call: "restart" }
  | { readonly call: "probe"; readonly namespacePath: string; readonly targets: readonly Target[] }
  | { readonly call: "slirps"; readonly namespacePath: string };

const [, , dataDir = "", resolver = ""] = process.argv;
const create = () =>
  createSlirpNetwork({ dataDir, dnsServers: [resolver], openSeconds: 1, log: silentLogger });
const policy = (outbound: boolean, egress?: readonly string[]): NetworkPolicy => ({
  outbound,
  egress: egress?.flatMap((word) => readEgressRule(word) ?? []),
});
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
      return network.attach(policy(request.outbound, request.egress));
    case "detach":
      return network.detach(request.handle);
    case "refused":
      return network.refused(request.handle);
    case "sweep":
      return network.sweep(
        new Map(request.keep.map((handle) => [handle, policy(true, request.lists?.[handle])])),
      );
    case "close":
      return network.close({ removeShared: true });
    case "restart":
      await network.close({ removeShared: false });
      network = await create();
      return "restarted";
    case "probe":
      return ask(["nsenter", `--net=${request.namespacePath}`], request.targets);
    case "slirps":
      return listSlirps(request.namespacePath);
  }
}
