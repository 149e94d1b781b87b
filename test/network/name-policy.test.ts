import assert from "node:assert/strict";
import { test } from "node:test";
import { type EgressRule, readEgressRule } from "../../src/domain/egress.js";
import { groupsOf, mayLeadTo, portGroups } from "../../src/engine/network/egress/name-policy.js";

const list = (...words: string[]): EgressRule[] =>
  words.map((word) => readEgressRule(word) ?? assert.fail(word));

test("a name's addresses belong to the ports of every entry that means it", () => {
  const rules = list("a.test:80", "*.b.test:443", "10.0.0.0/8:22", "c.b.test:80", "d.test");
  assert.deepEqual(
    portGroups(rules).map((ports) => ports?.first),
    [80, 443, undefined],
  );
  assert.deepEqual(groupsOf(rules, "a.test"), [0]);
  assert.deepEqual(groupsOf(rules, "c.b.test"), [1, 0]);
  assert.deepEqual(groupsOf(rules, "d.test"), [2]);
  assert.deepEqual(groupsOf(rules, "b.test"), []);
});

test("what resolvers would read another way is on no list", () => {
  for (const name of [
    "evil\\.b.test",
    "evil\\046x.b.test",
    "a b.b.test",
    "ä.b.test",
    "x\0.b.test",
    "@.b.test",
  ])
    assert.deepEqual(groupsOf(list("*.b.test", "*.test"), name), [], name);
});

test("a name leads behind nobody's door that the list does not open itself", () => {
  const rules = list("a.test", "10.1.0.0/16:443", "0.0.0.0/1:80");
  const allowed = ["192.0.2.1", "10.1.2.3", "10.2.0.1", "100.64.0.1"];
  const closed = [
    "127.0.0.1",
    "0.0.0.0",
    "169.254.169.254",
    "198.19.0.1",
    "224.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
  ];
  assert.deepEqual(
    [...allowed, ...closed].filter((address) => mayLeadTo(rules, address)),
    allowed,
  );
  assert.deepEqual(
    allowed.filter((address) => mayLeadTo(list("a.test"), address)),
    ["192.0.2.1"],
  );
});
