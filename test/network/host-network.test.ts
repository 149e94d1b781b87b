import assert from "node:assert/strict";
import { test } from "node:test";
import { hostNetwork } from "../../src/engine/processes/host-network.js";

test("the host's own network is given to everybody, and to nobody who is to be held to a list", async () => {
  assert.equal((await hostNetwork.attach({ outbound: true })).namespacePath, "/proc/self/ns/net");
  assert.equal(hostNetwork.holdsToLists, false);
  const egress = [{ kind: "network", network: "192.0.2.0/24" }] as const;
  await assert.rejects(hostNetwork.attach({ outbound: true, egress }), { kind: "failed_precondition" });
});
