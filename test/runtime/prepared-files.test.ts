import assert from "node:assert/strict";
import { test } from "node:test";
import { preparedFiles, toHostname } from "../../src/engine/runtime/prepared-files.js";

const network = { handle: "n", namespacePath: "/run/netns/n", nameservers: [] };

test("a name that is a hostname stays as it is; any other becomes one", () => {
  assert.equal(toHostname("build-7.local"), "build-7.local");
  assert.equal(toHostname("Pat's box, no. 3"), "Pat-s-box-no.-3");
  assert.equal(toHostname("--"), "sandbox");
  assert.equal(toHostname("線路"), "sandbox");
  assert.equal(toHostname("x".repeat(80)).length, 63);
});

test("the sandbox's own address stands for its name", () => {
  const [, hosts] = preparedFiles(
    { environment: {}, files: [], network: { ...network, address: "198.19.3.2" } },
    "one",
  );
  assert.match(hosts?.content ?? "", /^198\.19\.3\.2\tone$/m);
});

test("an environment's values cannot become lines of their own", () => {
  const environment = { BROKEN: "a\nEVIL=1", FINE: "a=b # c" };
  const file = preparedFiles({ environment, network, files: [] }, "one").find(
    ({ path }) => path === "/etc/environment",
  );
  assert.equal(file?.content, "FINE='a=b # c'\n");
});
