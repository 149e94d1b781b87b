import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { issueCertificate } from "./support/certificate.js";
import { type CallOptions, type EngineStarted, Workbench } from "./support/tenki.js";

/** An engine whose certificate an authority of ours has signed, for who trusts that authority and who does not. */
describe("an engine that serves over TLS", () => {
  let bench: Workbench;
  let engine: EngineStarted;
  let authority: string;
  before(async () => {
    bench = await Workbench.open();
    const made = await issueCertificate(await bench.directory("tls"), "DNS:localhost,IP:127.0.0.1");
    authority = made.authority;
    bench.env["NODE_EXTRA_CA_CERTS"] = authority;
    engine = await bench.startEngine("--tls-cert", made.certificate, "--tls-key", made.key);
    await bench.ok(["sandbox", "create", "--name", "demo"]);
  });
  after(async () => {
    bench.env["NODE_EXTRA_CA_CERTS"] = authority;
    await bench.close();
  });
  const exec = (words: readonly string[], options?: CallOptions) =>
    bench.call(["sandbox", "exec", "-q", ...words], options);

  it("is the command line's context by an https address", async () => {
    assert.match(engine.endpoint, /^https:\/\/127\.0\.0\.1:\d+$/);
    const status = await bench.json<{ status: string; api_endpoint: string }>(["status"]);
    assert.match(status.status, /^Logged in/);
    assert.equal(status.api_endpoint, engine.endpoint);
  });

  it("runs commands with their streams and codes, the first and those that follow", async () => {
    for (let round = 0; round < 2; round += 1) {
      const { code, stdout, stderr } = await exec(["-c", "cat; echo err >&2; exit 7"], { input: "in\n" });
      assert.deepEqual([code, stdout, stderr], [7, "in\n", "err\n"]);
    }
    const large = await bench.ok(["sandbox", "exec", "-q", "--", "head", "-c", "3000000", "/dev/zero"]);
    assert.equal(large.length, 3_000_000);
  });

  it("carries files in and out", async () => {
    const content = "0123456789abcdef".repeat(200_000);
    await bench.ok(["sandbox", "write", "--path", "large"], { input: content });
    assert.equal(await bench.ok(["sandbox", "read", "--path", "large"]), content);
  });

  it("carries SSH, with the ssh that is installed and ssh-proxy under it", async () => {
    assert.equal(
      await bench.ok(["sandbox", "ssh", "--batch-mode", "demo", "--", "echo", "over ssh"]),
      "over ssh\n",
    );
  });

  it("serves the official SDK, which knows nothing of the authority but Node's own variable", async () => {
    const script = `
      import { TenkiSandbox } from "@tenkicloud/sandbox";
      const sdk = new TenkiSandbox({ authToken: process.env.TOKEN, baseUrl: process.env.ENDPOINT });
      const session = await sdk.create({ name: "sdk", waitTimeoutMs: 20_000 });
      await session.writeFile("note.txt", "by the SDK");
      const { stdout, exitCode } = await session.exec("sh", { args: ["-c", "cat note.txt; exit 3"] });
      console.log(Buffer.from(stdout).toString(), exitCode, Buffer.from(await session.readFile("note.txt")).toString());
      await session.close();
      sdk.close();`;
    const said = await runProcess([process.execPath, "--input-type=module", "-e", script], {
      env: { ...bench.env, TOKEN: engine.token, ENDPOINT: engine.endpoint },
    });
    assert.equal(said, "by the SDK 3 by the SDK\n");
  });

  for (const [flag, version] of [
    ["--http2", "2"],
    ["--http1.1", "1.1"],
  ] as const) {
    it(`serves curl ${flag}, chosen by ALPN`, async () => {
      const said = await runProcess([
        ...["curl", "-sS", flag, "--cacert", authority, "-w", " %{http_version} %{http_code}"],
        ...["-H", "content-type: application/json", "-H", `authorization: Bearer ${engine.token}`],
        ...["-d", "{}", `${engine.endpoint}/tenki.sandbox.v1.SandboxService/WhoAmI`],
      ]);
      assert.match(said, new RegExp(`^\\{.*\\} ${version.replace(".", "\\.")} 200$`));
    });
  }

  it("is refused by who does not trust the authority, who is told how to", async () => {
    const blind = { env: { NODE_EXTRA_CA_CERTS: "" } };
    for (const [words, expected] of [
      [["sandbox", "list"], 5],
      [["sandbox", "exec", "--", "true"], 125],
    ] as const) {
      const { code, stderr } = await bench.call(words, blind);
      assert.equal(code, expected);
      assert.match(stderr, /^error: cannot trust https:.*\nhint: .*NODE_EXTRA_CA_CERTS/);
    }
  });

  it("is seen, and stopped, by its owner who does not trust it either", async () => {
    const blind = { env: { NODE_EXTRA_CA_CERTS: "" } };
    const shown = await bench.call(["engine", "status", "--json"], blind);
    const { state, sessions } = JSON.parse(shown.stdout) as { state: string; sessions: number | null };
    assert.deepEqual([shown.code, state, sessions], [0, "RUNNING", null]);
    assert.match(shown.stderr, /^warning: cannot ask the engine for its sessions: cannot trust/);
    const stopped = await bench.call(["engine", "stop"], blind);
    assert.equal(stopped.code, 0);
    assert.match(stopped.stderr, /the engine stopped; its sessions are left as they are\n$/);
    const again = [
      "--tls-cert",
      join(bench.home, "tls/certificate.pem"),
      "--tls-key",
      join(bench.home, "tls/key.pem"),
    ];
    engine = await bench.startEngine(...again);
    assert.equal(
      (await exec(["--session", "demo", "--", "true"])).code,
      0,
      "they were left, and are found again",
    );
  });
});
