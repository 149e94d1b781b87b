import assert from "node:assert/strict";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import { SessionState } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { assertGolden } from "./support/golden.js";
import { expiredToken, goodToken, limitedToken, MemoryService } from "./support/memory-service.js";
import { type CallOptions, TestWorld } from "./support/test-io.js";

const unknownId = "0190d3c5-0000-7000-8000-00000000ffff";

/** A name, the words, and what is special about the world around them. */
type Case = readonly [name: string, args: readonly string[], options?: CallOptions];

const words: readonly Case[] = [
  ["unknown-command", ["sandbx"]],
  ["unknown-subcommand", ["sandbox", "lst"]],
  ["unknown-command-far-off", ["frobnicate"]],
  ["unknown-command-further-down", ["exec", "--", "true"]],
  ["unknown-command-misspelt-further-down", ["creat"]],
  ["unknown-command-of-a-group-elsewhere", ["sandbox", "login"]],
  ["unknown-flag", ["sandbox", "list", "--stat", "RUNNING"]],
  ["unknown-flag-far-off", ["sandbox", "list", "--frobnicate"]],
  ["unknown-short-flag", ["sandbox", "list", "-x"]],
  ["program-with-flags-without-dashes", ["sandbox", "exec", "ls", "-la"]],
  ["missing-value", ["sandbox", "create", "--name"]],
  ["missing-argument", ["sandbox", "extend"]],
  ["missing-program", ["sandbox", "exec"]],
  ["missing-path", ["sandbox", "read"]],
  ["missing-session-to-set", ["sandbox", "set"]],
  ["excess-argument", ["sandbox", "get", "one", "two"]],
  ["shell-line-and-program", ["sandbox", "exec", "-c", "true", "true"]],
  ["two-sessions", ["sandbox", "get", "one", "--session", "two"]],
  ["bad-boolean", ["sandbox", "create", "--sticky=maybe"]],
  ["bad-output", ["sandbox", "list", "-o", "xml"]],
  ["contradicting-outputs", ["sandbox", "list", "-o", "yaml", "--json"]],
  ["bad-duration", ["sandbox", "extend", "5"]],
  ["bad-duration-unit", ["sandbox", "exec", "--timeout", "2 days", "--", "true"]],
  ["bad-duration-negative", ["sandbox", "create", "--wait-timeout", "-5s"]],
  ["bad-duration-too-long", ["sandbox", "create", "--max-duration", "99999999999999999999h"]],
  ["bad-idle-timeout", ["sandbox", "create", "--idle-timeout", "90s"]],
  ["bad-idle-timeout-too-long", ["sandbox", "create", "--idle-timeout", "2147483648m"]],
  ["bad-number", ["sandbox", "create", "--cpu", "many"]],
  ["number-out-of-bounds", ["sandbox", "create", "--memory-mb", "64"]],
  ["port-too-high", ["sandbox", "expose", "65536"]],
  ["port-zero", ["sandbox", "unexpose", "0"]],
  ["port-no-number", ["sandbox", "expose", "http"]],
  ["port-to-forward-too-high", ["sandbox", "forward", "8080:70000"]],
  ["port-to-tunnel-too-high", ["sandbox", "tunnel", "localhost:99999"]],
  ["port-to-listen-on-inside-too-high", ["sandbox", "tunnel", "localhost:80", "--sandbox-port", "65536"]],
  ["port-to-listen-on-too-high", ["engine", "start", "--listen", "127.0.0.1:70000"]],
  ["bad-name", ["sandbox", "create", "--name", "no spaces please"]],
  ["empty-name", ["sandbox", "create", "--name", ""]],
  ["long-name", ["sandbox", "create", "--name", "n".repeat(65)]],
  ["bad-tag", ["sandbox", "create", "--tags", "good,Not Good"]],
  [
    "too-many-tags",
    ["sandbox", "create", "--tags", Array.from({ length: 21 }, (_, at) => `t${at}`).join(",")],
  ],
  ["bad-metadata", ["sandbox", "create", "--metadata", "owner"]],
  ["bad-environment", ["sandbox", "exec", "--env", "1A=b", "--", "true"]],
  ["bad-volume", ["sandbox", "create", "--volume", "data:relative"]],
  ["volume-size-bare", ["sandbox", "volume", "create", "cache", "--size", "1024"]],
  ["volume-size-too-small", ["sandbox", "volume", "create", "cache", "--size", "1023KiB"]],
  ["volume-size-too-large", ["sandbox", "volume", "resize", "cache", "--size", "101GiB"]],
  ["volume-size-missing", ["sandbox", "volume", "create", "cache"]],
  ["volume-bad-name", ["sandbox", "volume", "create", "a:b", "--size", "1GiB"]],
  ["volume-mount-relative", ["sandbox", "volume", "attach", "cache", "--mount", "data"]],
  ["volume-mount-missing", ["sandbox", "volume", "attach", "cache"]],
  ["volume-two-sessions", ["sandbox", "volume", "detach", "one", "cache", "--session", "two"]],
  ["volume-unknown", ["sandbox", "volume", "get", "nothing"]],
  ["volume-unknown-at-create", ["sandbox", "create", "--volume", "nothing:/data"]],
  ["bad-destination", ["sandbox", "create", "--allow-egress", "nonsense:"]],
  ["bad-destination-port-zero", ["sandbox", "create", "--allow-egress", "github.com:443,example.com:0"]],
  ["bad-destination-port-too-high", ["sandbox", "create", "--allow-egress", "example.com:70000"]],
  ["bad-destination-port-range", ["sandbox", "create", "--allow-egress", "example.com:90-80"]],
  ["bad-destination-network", ["sandbox", "create", "--allow-egress", "10.0.0.0/33"]],
  ["bad-destination-host-bits", ["sandbox", "create", "--allow-egress", "10.1.2.3/8"]],
  ["bad-destination-address", ["sandbox", "create", "--allow-egress", "10.0.0.256"]],
  ["bad-destination-ipv6", ["sandbox", "create", "--allow-egress", "2001:db8::/32"]],
  ["bad-destination-never-reached", ["sandbox", "create", "--allow-egress", "169.254.169.254"]],
  ["bad-destination-wildcard", ["sandbox", "create", "--allow-egress", "git*.example.com"]],
  ["list-and-no-way-out", ["sandbox", "create", "--allow-egress", "github.com", "--allow-outbound=false"]],
  ["bad-id", ["sandbox", "create", "--template", "latest"]],
  ["unknown-snapshot", ["sandbox", "create", "--snapshot", "latest"]],
  ["bad-moment", ["sandbox", "snapshot", "create", "--expires-at", "tomorrow"]],
  ["past-moment", ["sandbox", "snapshot", "create", "--expires-at", "2001-01-01T00:00:00Z"]],
  ["snapshots-of-one-and-of-none", ["sandbox", "snapshot", "list", "--session", "demo", "--dangling"]],
  ["tar-in-json", ["sandbox", "snapshot", "export", "nightly", "--json"]],
  ["bad-state", ["sandbox", "list", "--state", "SLEEPING"]],
  ["bad-path", ["sandbox", "read", "--path", ""]],
  ["bad-user", ["sandbox", "exec", "--user", "nobody", "--", "true"]],
  ["bad-endpoint", ["sandbox", "list", "--endpoint", "example"]],
  ["bad-endpoint-in-environment", ["sandbox", "list"], { env: { TENKI_API_ENDPOINT: "ftp://example" } }],
  ["two-sources", ["sandbox", "create", "--image", "a", "--snapshot", unknownId]],
  ["terminal-and-json", ["sandbox", "exec", "-t", "--json", "--", "true"]],
  ["nothing-to-change", ["sandbox", "update"]],
  ["tags-and-no-tags", ["sandbox", "update", "--tags", "a", "--clear-tags"]],
  ["all-and-one", ["sandbox", "terminate", "--all", "demo"]],
  ["unset-variable", ["sandbox", "create", "--github-token-env", "NO_SUCH_VARIABLE"]],
  ["nothing-to-write", ["sandbox", "write", "--path", "a"], { terminal: ["stdin"] }],
  ["data-twice", ["sandbox", "write", "--path", "a", "--data", "a", "--data-file", "b"]],
  ["copy-on-this-side", ["sandbox", "cp", "a", "b"]],
  ["token-nowhere", ["login"]],
  ["token-with-spaces", ["login", "--api-key", "not a token"]],
  ["token-empty", ["login", "--token-stdin"], { input: "\n" }],
  ["unknown-key", ["config", "set", "api_endpint", "local"]],
  ["bad-setting", ["config", "set", "api_endpoint", "nowhere"]],
  ["bad-workspace", ["config", "set", "workspace_id", "mine"]],
  ["bad-workspace-flag", ["sandbox", "list", "--workspace", "mine"]],
  ["setting-not-set", ["config", "get", "gateway"]],
  ["unknown-key-to-get", ["config", "get", "gatewy"]],
  ["in-json", ["sandbox", "list", "--stat", "RUNNING", "--json"]],
];

const world: readonly Case[] = [
  ["snapshot-with-memory", ["sandbox", "snapshot", "create", "demo", "--memory"]],
  ["no-token", ["whoami"], { env: { TENKI_API_KEY: "" } }],
  ["wrong-token", ["whoami"], { env: { TENKI_API_KEY: "tk_wrong" } }],
  ["broken-token", ["whoami"], { env: { TENKI_API_KEY: "tk_a\nb" } }],
  ["expired-token", ["whoami"], { env: { TENKI_API_KEY: expiredToken } }],
  ["not-allowed", ["whoami"], { env: { TENKI_API_KEY: limitedToken } }],
  ["wrong-token-at-login", ["login", "--token-stdin"], { input: "tk_wrong" }],
  [
    "wrong-token-in-exec",
    ["sandbox", "exec", "--session", unknownId, "--", "true"],
    { env: { TENKI_API_KEY: "tk_wrong" } },
  ],
  ["no-session", ["sandbox", "get"]],
  ["unknown-session-id", ["sandbox", "get", unknownId]],
  ["unknown-session-name", ["sandbox", "get", "nobody"]],
  ["unknown-session-in-json", ["sandbox", "get", "nobody", "--json"]],
  ["unknown-session-in-exec", ["sandbox", "exec", "--session", unknownId, "--", "true"]],
  ["ambiguous-session", ["sandbox", "get", "twin"]],
  ["terminated-session", ["sandbox", "exec", "--session", "ended", "--", "true"]],
  ["terminated-session-extend", ["sandbox", "extend", "1h", "--session", "ended"]],
  ["file-missing", ["sandbox", "read", "demo", "--path", "none"]],
  ["file-is-directory", ["sandbox", "read", "demo", "--path", "folder"]],
  ["file-outside", ["sandbox", "read", "demo", "--path", "/etc/passwd"]],
  ["file-outside-by-dots", ["sandbox", "write", "demo", "--path", "../../etc/passwd", "--data", "x"]],
  ["file-unreadable", ["sandbox", "read", "demo", "--path", "secret"]],
  ["stat-of-nothing", ["sandbox", "fs", "stat", "none", "--session", "demo"]],
  ["remove-of-nothing", ["sandbox", "fs", "rm", "none", "--session", "demo"]],
  ["remove-of-directory", ["sandbox", "fs", "rm", "folder", "--session", "demo"]],
  ["move-of-nothing", ["sandbox", "fs", "mv", "none", "some", "--session", "demo"]],
  ["move-to-outside", ["sandbox", "fs", "mv", "folder", "/tmp/folder", "--session", "demo"]],
  ["local-file-missing", ["sandbox", "write", "demo", "--path", "a", "--data-file", "none"]],
  ["local-file-is-directory", ["sandbox", "write", "demo", "--path", "a", "--data-file", "."]],
  ["local-directory-missing", ["sandbox", "read", "demo", "--path", "file", "--out", "none/file"]],
  ["local-target-is-directory", ["sandbox", "read", "demo", "--path", "file", "--out", "."]],
  ["environment-not-set", ["sandbox", "create", "--env", "NOT_SET_HERE"]],
  ["environment-not-set-exec", ["sandbox", "exec", "--env", "NOT_SET_HERE", "--", "true"]],
  ["environment-file-not-set", ["sandbox", "exec", "--env-file", "names.env", "--", "true"]],
  ["environment-file-broken", ["sandbox", "create", "--env-file", "broken.env"]],
  ["git-no-repository", ["sandbox", "git", "clone", "--session", "demo"]],
  ["git-bad-repository", ["sandbox", "git", "clone", "/home/tenki/x", "--session", "demo"]],
  ["git-bad-ref", ["sandbox", "git", "checkout", "--session", "demo", "--", "--force"]],
  ["git-unknown-ref", ["sandbox", "git", "checkout", "nowhere", "--session", "demo"]],
  ["git-bad-number", ["sandbox", "git", "fetch-pr", "0", "--session", "demo"]],
  ["clone-bad-repository", ["sandbox", "create", "--clone-repo", "https://bob:hunter2@"]],
  ["github-token-not-set", ["sandbox", "create", "--github-token-env", "NOT_SET_HERE"]],
  ["copy-directory-without-r", ["sandbox", "cp", "demo:folder", "there"]],
  ["copy-of-nothing", ["sandbox", "cp", "demo:none", "there"]],
  ["copy-of-nothing-local", ["sandbox", "cp", "none", "demo:"]],
  ["copy-to-outside", ["sandbox", "cp", "broken.env", "demo:/etc/broken"]],
  ["copy-directory-onto-file", ["sandbox", "cp", "-r", "demo:folder", "broken.env"]],
  ["program-missing", ["sandbox", "exec", "--session", "demo", "--", "no-such-program"]],
  ["program-not-executable", ["sandbox", "exec", "--session", "demo", "--", "/etc/passwd"]],
];

describe("what goes wrong", () => {
  let service: MemoryService;
  let place: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    place = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    for (const name of ["demo", "twin", "twin", "ended"])
      await place.ok(["sandbox", "create", "--name", name]);
    await place.ok(["config", "set", "current_session_id", ""]);
    service.sessions.setState(service.sessions.byName("ended"), SessionState.TERMINATED);
    const { root } = service.sessions.byName("demo");
    await mkdir(join(root, "folder"));
    await writeFile(join(root, "folder", "full"), "");
    await writeFile(join(root, "file"), "content");
    await writeFile(join(root, "secret"), "");
    await chmod(join(root, "secret"), 0);
    await writeFile(join(place.home, "broken.env"), "GOOD=1\nnot a variable\n");
    await writeFile(join(place.home, "names.env"), "# comment\nNOT_SET_HERE\n");
  });
  after(async () => {
    await place[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  async function check([name, args, options]: Case): Promise<void> {
    const { code, stdout, stderr } = await place.call(args, options);
    const shown = [
      `$ tenki ${args.join(" ")}`,
      `exit code ${code}`,
      ...(stdout === "" ? [] : ["stdout:", stdout]),
    ];
    const text = `${shown.join("\n")}\n${stderr}`
      .replaceAll(place.home, "HOME")
      .replaceAll(service.endpoint, "ENDPOINT");
    assert.notEqual(code, 0);
    assert.doesNotMatch(stderr, /^\s+at /m, "a stack trace");
    assertGolden(`errors/${name}.txt`, text.replace(/\d+ms$|, 0s$/m, "DURATION"));
  }

  describe("in the words", () => {
    for (const each of words) it(each[0], () => check(each));
  });

  describe("in the world", () => {
    for (const each of world) it(each[0], () => check(each));
  });

  describe("in the service", () => {
    for (const code of Object.values(Code).filter((value) => typeof value === "number")) {
      const name = Code[code].replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase();
      it(name, async () => {
        service.failure = new ConnectError("the service says why", code);
        await check([`kind-${name}`, ["sandbox", "update", unknownId, "--sticky"]]).finally(
          () => (service.failure = undefined),
        );
      });
    }
  });

  it("leaves out by which rule a service refuses, in JSON too", async () => {
    const refusal = "session_id: must be a valid UUID [string.uuid]; tags[0]: too long [string.max_len]";
    service.failure = new ConnectError(refusal, Code.InvalidArgument);
    const text = await place.call(["whoami"]);
    const json = await place.call(["whoami", "--json"]).finally(() => (service.failure = undefined));
    assert.equal(text.stderr, "error: session_id: must be a valid UUID; tags[0]: too long\n");
    assert.match(json.stderr, /"session_id: must be a valid UUID; tags\[0\]: too long"/);
  });

  it("leaves what a message holds no way to act on a terminal, and on one line", async () => {
    service.failure = new ConnectError("first\nsecond \u001b]0;title\u0007", Code.Internal);
    const { stderr } = await place.call(["whoami"]).finally(() => (service.failure = undefined));
    assert.equal(stderr, "error: first\\nsecond \\x1b]0;title\\x07\n");
  });

  it("a service that is not there", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, stderr } = await place.call(["whoami"], {
      env: { TENKI_API_ENDPOINT: `http://127.0.0.1:${port}` },
    });
    assert.equal(code, 5);
    assertGolden("errors/engine-down.txt", `exit code ${code}\n${stderr.replaceAll(String(port), "PORT")}`);
  });

  it("a service that does not answer", async () => {
    const server = createServer((socket) => void socket.resume());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const endpoint = `http://127.0.0.1:${port}`;
    const { code, stderr } = await place.call(["whoami", "--timeout", "200ms", "--endpoint", endpoint]);
    server.close();
    assert.equal(code, 5);
    assertGolden("errors/no-answer.txt", `exit code ${code}\n${stderr.replaceAll(String(port), "PORT")}`);
  });

  it("a damaged config file", async () => {
    await using other = await TestWorld.open();
    await mkdir(dirname(other.configPath), { recursive: true });
    await writeFile(other.configPath, "api_endpoint: local\nauth_token: [oops\n");
    const { code, stderr } = await other.call(["whoami"]);
    assertGolden("errors/damaged-config.txt", `exit code ${code}\n${stderr.replaceAll(other.home, "HOME")}`);
    assert.equal(
      (await other.call(["config", "set", "gateway", "w"])).code,
      code,
      "it must not be overwritten",
    );
  });

  it("shows a stack and the causes with --verbose only", async () => {
    const { stderr } = await place.call(["sandbox", "get", "nobody", "-v"]);
    assert.match(stderr, /^\s+at /m);
    assert.match(stderr, /SandboxService\.ListWorkspaceSandboxes at .*: ok, \d+ ms/);
    assert.equal(stderr.includes(goodToken), false);
  });
});
