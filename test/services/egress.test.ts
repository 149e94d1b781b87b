import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { failureOf, self, ServiceBench } from "./service-bench.js";

let bench: ServiceBench;
beforeEach(() => void (bench = new ServiceBench()));

describe("sessions with a list of what they may reach", () => {
  it("are made as others are, and tell of their list", async () => {
    const { created } = await bench.egress.createListedSession({
      session: { ...self, waitReady: true, name: "listed" },
      allow: ["github.com:443"],
    });
    assert.equal(created?.session?.state, SessionState.RUNNING);
    assert.equal(created.session.name, "listed");
    assert.notEqual(created.credential?.credential ?? "", "");
    const { allow, refusedPackets, refusedNames } = await bench.egress.getEgress({
      sessionId: created.session.id,
    });
    assert.deepEqual([allow, refusedPackets, refusedNames], [["github.com:443"], 3n, 2n]);
  });

  it("are held to the contract's own rules, inside as well", async () => {
    const broken = [
      { allow: ["a.test"] },
      { session: self, allow: [] },
      { session: self, allow: Array.from({ length: 257 }, () => "a.test") },
      { session: { ...self, cpuCores: 1_000 }, allow: ["a.test"] },
      { session: self, allow: ["nonsense:"] },
    ];
    for (const request of broken)
      assert.equal((await failureOf(bench.egress.createListedSession(request))).code, Code.InvalidArgument);
    assert.equal(bench.parts.count().networks, 0);
  });

  it("are none where nobody asked for a list", async () => {
    const { id } = await bench.running();
    assert.deepEqual((await bench.egress.getEgress({ sessionId: id })).allow, []);
  });
});
