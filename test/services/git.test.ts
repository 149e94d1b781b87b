import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Code } from "@connectrpc/connect";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { failureOf, self, ServiceBench } from "./service-bench.js";

describe("git", () => {
  it("answers with what git says", async () => {
    const bench = new ServiceBench();
    const { id } = await bench.running();
    const { output } = await bench.sandbox.gitOperation({
      sessionId: id,
      operation: "log",
      args: { max_count: "1" },
    });
    assert.deepEqual((JSON.parse(output) as { argv: string[] }).argv, [
      "git",
      "log",
      "--no-color",
      "--max-count=1",
      "--",
    ]);
  });

  it("fails in the words that clients match on", async () => {
    const bench = new ServiceBench();
    const { id } = await bench.running();
    const request = { sessionId: id, operation: "checkout", args: { ref: "fails" } };
    const { code, rawMessage } = await failureOf(bench.sandbox.gitOperation(request));
    assert.equal(code, Code.FailedPrecondition);
    assert.match(
      rawMessage,
      /^git checkout failed \(exit_code=128\); check the repository, ref and access token: fatal/,
    );
  });

  it("holds requests to the contract's rules", async () => {
    const bench = new ServiceBench();
    const { id } = await bench.running();
    const refused = await failureOf(
      bench.sandbox.gitOperation({ sessionId: id, operation: "push", args: {} }),
    );
    assert.equal(refused.code, Code.InvalidArgument);
    const wrong = { sessionId: id, operation: "clone", args: { repo: "--upload-pack=touch x" } };
    assert.equal((await failureOf(bench.sandbox.gitOperation(wrong))).code, Code.InvalidArgument);
  });

  it("takes a token and a repository at create, and shows neither", async () => {
    const bench = new ServiceBench();
    const { session } = await bench.sandbox.createSession({
      ...self,
      waitReady: true,
      env: { GH_TOKEN: "ghp_planted" },
      cloneRepoUrl: "https://u:hunter22@example.com/demo",
    });
    const listed = await bench.sandbox.listSessions({ includeTerminated: true });
    const shown = JSON.stringify([session, listed.sessions], (_, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
    assert.equal(listed.sessions[0]?.state, SessionState.RUNNING);
    assert.doesNotMatch(shown, /planted|hunter22|TOKEN/);
  });
});
