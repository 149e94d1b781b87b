import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { formatEgressRule, meansName, readEgressRule } from "../../src/domain/egress.js";
import { nothing, Workbench } from "./workbench.js";

describe("a list of what a session may reach", () => {
  let bench: Workbench;
  beforeEach(() => void (bench = new Workbench()));
  const policyOf = (handle: string | undefined) => bench.parts.network.attached.get(handle ?? "");

  it("is part of the network from its first moment, and of the record in one form", async () => {
    const { egress, networkHandle } = await bench.createRunning({
      egress: ["GitHub.com:443", "10.0.0.0/8", "github.com:443"],
    });
    assert.deepEqual(egress, ["github.com:443", "10.0.0.0/8"]);
    assert.deepEqual(policyOf(networkHandle), {
      inbound: false,
      outbound: true,
      egress: [
        { kind: "name", name: "github.com", below: false, ports: { first: 443, last: 443 } },
        { kind: "network", network: "10.0.0.0/8", ports: undefined },
      ],
    });
  });

  it("holds after the engine was lost, and for a sandbox that starts afresh", async () => {
    const session = await bench.createRunning({ egress: ["github.com:443"] });
    const before = policyOf(session.networkHandle);
    bench.parts.network.attached.set(session.networkHandle ?? "", { outbound: true });
    await bench.lose().recover();
    assert.deepEqual(policyOf(session.networkHandle), before);
    await bench.sessions.pause(session.id);
    bench.parts.runtime.sandboxes.delete(session.id);
    await bench.lose().recover();
    const resumed = await bench.sessions.resume(session.id);
    assert.equal(resumed.state, "RUNNING");
    assert.deepEqual(policyOf(resumed.networkHandle), before);
  });

  it("is told with what was refused, and without where there is none", async () => {
    const listed = await bench.createRunning({ egress: ["a.test"] });
    const other = await bench.createRunning();
    assert.deepEqual(await bench.sessions.egress(listed.id), {
      allow: ["a.test"],
      refusedPackets: 3,
      refusedNames: 2,
    });
    assert.deepEqual(await bench.sessions.egress(other.id), {
      allow: undefined,
      refusedPackets: 0,
      refusedNames: 0,
    });
  });

  it("is refused before anything is made where it cannot be held to, contradicts itself, or is none", () => {
    const refusals: [string, Parameters<Workbench["create"]>[0]][] = [
      ["without a way out", { egress: ["a.test"], allowOutbound: false }],
      ["1 to 256 entries", { egress: [] }],
      ["1 to 256 entries", { egress: Array.from({ length: 257 }, (_, n) => `n${n}.test`) }],
      ["nothing that a list can open", { egress: ["a.test", "nonsense:"] }],
    ];
    for (const [why, request] of refusals)
      assert.throws(() => bench.create(request), { kind: "invalid_argument", message: new RegExp(why) });
    bench.parts.network.holdsToLists = false;
    assert.throws(() => bench.create({ egress: ["a.test"] }), {
      kind: "failed_precondition",
      message: /cannot hold/,
    });
    assert.deepEqual(bench.parts.count(), nothing);
    assert.deepEqual(bench.list({ includeTerminated: true }).sessions, []);
  });
});

describe("an entry of a list", () => {
  const forms: Record<string, string | undefined> = {
    "github.com": "github.com",
    "GitHub.com.:443": "github.com:443",
    "*.example.com:8000-8010": "*.example.com:8000-8010",
    "localhost:1": "localhost:1",
    "_x.a-b.test:65535": "_x.a-b.test:65535",
    "192.0.2.1": "192.0.2.1",
    "192.0.2.1/32:5": "192.0.2.1:5",
    "10.0.0.0/8": "10.0.0.0/8",
    "0.0.0.0/0:443-443": "0.0.0.0/0:443",
    ...Object.fromEntries(
      [
        ...[
          "",
          ":",
          "a.test:",
          "a.test:0",
          "a.test:65536",
          "a.test:2-1",
          "a.test:1-",
          "a.test:-1",
          "a.test:1:2",
        ],
        ...[
          "*",
          "*.",
          "a.*.test",
          "*a.test",
          "-a.test",
          "a..test",
          "a b.test",
          "a.test/24",
          "ä.test",
          "a.test;",
          '"a"',
        ],
        ...[
          "10.0.0.0/33",
          "10.0.0.1/8",
          "10.0.0/8",
          "256.0.0.1",
          "010.0.0.1",
          "1.2.3",
          "::1",
          "[::1]:80",
          "10.0.0.0/",
        ],
        ...[
          "127.0.0.1",
          "169.254.0.0/16",
          "198.19.3.4",
          "224.0.0.1",
          "255.255.255.255",
          `${"a".repeat(64)}.test`,
        ],
        `${"a.".repeat(127)}test`,
      ].map((word) => [word, undefined]),
    ),
  };
  for (const [word, form] of Object.entries(forms)) {
    it(`"${word.slice(0, 70)}" is ${form ?? "none"}`, () => {
      const rule = readEgressRule(word);
      assert.equal(rule && formatEgressRule(rule), form);
    });
  }

  it("means a name itself, or those below it, and no other", () => {
    const means = (word: string, name: string) => {
      const rule = readEgressRule(word);
      return rule?.kind === "name" && meansName(rule, name);
    };
    assert.deepEqual(
      [means("a.test", "a.test"), means("a.test", "b.a.test"), means("a.test", "aa.test")],
      [true, false, false],
    );
    assert.deepEqual(
      [means("*.a.test", "c.b.a.test"), means("*.a.test", "a.test"), means("*.a.test", "ba.test")],
      [true, false, false],
    );
  });
});
