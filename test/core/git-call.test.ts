import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readGitCall } from "../../src/engine/core/git/git-call.js";
import { refused } from "./refused.js";

const argv = (operation: string, args: Record<string, string>) => readGitCall(operation, args).argv;

describe("a git operation", () => {
  it("is a call of git with nothing but arguments", () => {
    const url = "https://example.com/acme/demo.git";
    assert.deepEqual(argv("clone", { repo: url, branch: "next", depth: "3", directory: "there" }), [
      ...["clone", "--branch=next", "--depth=3", "--no-single-branch", "--", url, "there"],
    ]);
    assert.deepEqual(argv("checkout", { ref: "main" }), ["checkout", "main", "--"]);
    assert.deepEqual(argv("checkout", { ref: "new", create: "true" }), ["checkout", "-b", "new", "--"]);
    assert.deepEqual(argv("diff", {}), ["diff", "--no-color", "--no-ext-diff", "--"]);
    assert.deepEqual(argv("diff", { base: "a", head: "b", path: "--x" }), [
      ...["diff", "--no-color", "--no-ext-diff", "a", "b", "--", "--x"],
    ]);
    assert.deepEqual(argv("diff", { range: "a..b" }).slice(3), ["a..b", "--"]);
    assert.deepEqual(argv("log", { max_count: "2", range: "a..b", path: "src" }), [
      ...["log", "--no-color", "--max-count=2", "a..b", "--", "src"],
    ]);
  });

  it("clones into a directory of the repository's name", () => {
    const place = (repo: string) => readGitCall("clone", { repo }).clone?.directory;
    for (const [repo, name] of [
      ["https://example.com/acme/demo.git", "demo"],
      ["https://example.com/acme/demo/", "demo"],
      ["https://example.com/acme/demo/.git", "demo"],
      ["https://example.com:8443/demo?x=1", "demo"],
      ["git@example.com:acme/demo.git", "demo"],
      ["example.com:demo", "demo"],
      ["ssh://git@example.com:2222/acme/demo.git", "demo"],
      ["https://example.com/a%2Fb", "a-b"],
      ["https://example.com/a%20b", "a b"],
    ] as const) {
      assert.equal(place(repo), `/home/tenki/${name}`, repo);
    }
    assert.equal(
      readGitCall("clone", { repo: "https://x.y/z", directory: "/workspace/z" }).clone?.directory,
      "/workspace/z",
    );
  });

  it("keeps a login out of the arguments", () => {
    const { argv: words, clone } = readGitCall("clone", { repo: "https://alice:p%40ss@example.com/demo" });
    assert.ok(!words.join(" ").includes("alice"));
    assert.deepEqual(clone?.repository.login, { username: "alice", password: "p@ss" });
    assert.equal(clone?.repository.origin, "https://example.com");
  });

  for (const repo of [
    ...[
      "",
      "--upload-pack=x",
      "-oProxyCommand=x@host:y",
      "file:///etc",
      "/home/tenki/x",
      "../x",
      "ext::sh -c id",
    ],
    ...[
      "ext::sh",
      "fd::3",
      "https://",
      "https://example.com/a b",
      "https://example.com/a\nb",
      "ssh://-oX@host/x",
    ],
    ...["ssh://-oX/x", "host:-oX", "https://a%0ab:c@example.com/x", "ftp://example.com/x"],
  ]) {
    it(`does not clone ${JSON.stringify(repo)}`, () => {
      assert.throws(() => readGitCall("clone", { repo }), { kind: "invalid_argument" });
    });
  }

  for (const [operation, args, says] of [
    ["push", {}, 'no git operation "push"'],
    ["constructor", {}, "no git operation"],
    ["clone", { repo: "https://x.y/" }, "no directory"],
    ["clone", { repo: "https://x.y/.." }, "no directory"],
    ["clone", { repo: "https://x.y/z", depth: "0" }, "depth"],
    ["clone", { repo: "https://x.y/z", depth: "1; rm" }, "depth"],
    ["clone", { repo: "https://x.y/z", branch: "--x" }, "branch"],
    ["clone", { repo: "https://x.y/z", upload_pack: "x" }, 'takes no argument "upload_pack"'],
    ["checkout", {}, "ref is missing"],
    ["checkout", { ref: "--force" }, "ref is no name"],
    ["checkout", { ref: "a b" }, "ref is no name"],
    ["checkout", { ref: "a", create: "yes" }, "create"],
    ["diff", { range: "--output=/x" }, "range"],
    ["diff", { base: "-x" }, "base"],
    ["diff", { head: "b" }, "head needs base"],
    ["diff", { range: "a", base: "b" }, "range stands for"],
    ["diff", { path: "a\0b" }, "NUL"],
    ["log", { max_count: "-1" }, "max_count"],
    ["log", { range: "-n5" }, "range"],
    ["log", { directory: "a\0b" }, "NUL"],
  ] as const) {
    it(`refuses ${operation} ${JSON.stringify(args)}`, () => {
      assert.throws(() => readGitCall(operation, args), refused("invalid_argument", says));
    });
  }
});
