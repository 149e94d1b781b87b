import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { assertGolden } from "./support/golden.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { type Outcome, TestWorld } from "./support/test-io.js";

const demo = "0190d3c5-0000-7000-8000-000000000001";

/** In place of ssh: keeps the words that it was called with, and ends as it is told to. */
const recorder = `#!/bin/sh
printf '%s\\n' "$@" > "$HOME/called"
[ -z "$SSH_SIGNAL" ] || kill -"$SSH_SIGNAL" $$
exit "\${SSH_CODE:-0}"
`;

describe("ssh", () => {
  let service: MemoryService;
  let world: TestWorld;
  before(async () => {
    service = await MemoryService.start();
    await service.ssh.open();
  });
  after(() => service[Symbol.asyncDispose]());
  beforeEach(async () => {
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await mkdir(join(world.home, "bin"));
    await writeFile(join(world.home, "bin", "ssh"), recorder, { mode: 0o755 });
    world.env["PATH"] = `${join(world.home, "bin")}:${world.env["PATH"]}`;
    if (![...service.sessions.all()].length) await world.ok(["sandbox", "create", "--name", "demo"]);
    await world.ok(["sandbox", "set", "demo"]);
  });
  afterEach(() => world[Symbol.asyncDispose]());

  const ssh = (...args: string[]) => world.call(["sandbox", "ssh", ...args]);
  const called = async () => (await readFile(join(world.home, "called"), "utf8")).trimEnd().split("\n");
  /** What ssh was told by `-o`, and the words that are left. */
  async function told(): Promise<{ options: Record<string, string>; words: string[] }> {
    const words = await called();
    const options: Record<string, string> = {};
    while (words[0] === "-o") {
      const [, name = "", value = ""] = /^(\w+)=(.*)$/.exec(words[1] ?? "") ?? [];
      options[name] = value;
      words.splice(0, 2);
    }
    return { options, words };
  }

  it("calls ssh with everything that it needs, as root", async () => {
    assert.deepEqual(await ssh("demo"), { code: 0, stdout: "", stderr: "" });
    const { options, words } = await told();
    const kept = join(world.home, ".config", "tenki");
    assert.deepEqual(words, [`root@${demo}`]);
    const expected: Record<string, string> = {
      ProxyCommand: `node tenki sandbox ssh-proxy --session ${demo} --endpoint ${service.endpoint}`,
      IdentityFile: join(kept, "ssh", "id_ed25519"),
      CertificateFile: join(kept, "ssh-certs", demo, "id_ed25519-cert.pub"),
      IdentitiesOnly: "yes",
      UserKnownHostsFile: join(kept, "ssh-certs", demo, "known_hosts"),
      HostKeyAlias: demo,
      StrictHostKeyChecking: "yes",
      UpdateHostKeys: "no",
    };
    assert.deepEqual(options, expected);
    for (const name of ["IdentityFile", "CertificateFile", "UserKnownHostsFile"])
      assert.ok(existsSync(options[name] ?? ""), name);
  });

  it("hands on what stands behind the session, or behind --", async () => {
    const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
      [
        ["demo", "-L", "8080:localhost:80", "-N"],
        ["-L", "8080:localhost:80", "-N"],
      ],
      [
        ["demo", "--", "ls", "-la"],
        ["ls", "-la"],
      ],
      [
        ["demo", "grep", "--", "-x"],
        ["grep", "--", "-x"],
      ],
      [["--", "uptime"], ["uptime"]],
      [
        ["--session", "demo", "uptime", "-p"],
        ["uptime", "-p"],
      ],
      [["--session", "demo", "--", "-v"], ["-v"]],
      [["demo", "--json"], ["--json"]],
      [[], []],
    ];
    for (const [args, expected] of cases) {
      assert.equal((await ssh(...args)).code, 0, args.join(" "));
      assert.deepEqual((await told()).words, [`root@${demo}`, ...expected], args.join(" "));
    }
  });

  it("takes its flags before the session", async () => {
    const { stderr } = await ssh(
      ...["--user", "tenki", "--batch-mode", "--connect-timeout", "1m30s", "--strict-host-key-checking=no"],
      ...["--gateway", service.ssh.address, "demo"],
    );
    assert.equal(stderr, "");
    const { options, words } = await told();
    assert.deepEqual(words, [`tenki@${demo}`]);
    assert.deepEqual([options["BatchMode"], options["ConnectTimeout"]], ["yes", "90"]);
    assert.equal(options["StrictHostKeyChecking"], "no");
    assert.match(options["ProxyCommand"] ?? "", new RegExp(` --gateway ${service.ssh.address}$`));
    for (const [value, expected] of [
      ["10", "10"],
      ["1500ms", "2"],
    ]) {
      assert.equal((await ssh("--connect-timeout", value ?? "", "demo")).code, 0);
      assert.equal((await told()).options["ConnectTimeout"], expected);
    }
  });

  it("says no more than it has to where the settings are saved", async () => {
    await world.ok(["config", "set", "api_endpoint", service.endpoint]);
    assert.equal((await ssh("demo")).code, 0);
    const { options } = await told();
    assert.equal(options["ProxyCommand"], `node tenki sandbox ssh-proxy --session ${demo}`);
  });

  it("ends as ssh does", async () => {
    for (const code of [0, 1, 42, 255])
      assert.equal(
        (await world.call(["sandbox", "ssh", "demo"], { env: { SSH_CODE: `${code}` } })).code,
        code,
      );
    assert.equal((await world.call(["sandbox", "ssh", "demo"], { env: { SSH_SIGNAL: "TERM" } })).code, 143);
  });

  it("has a certificate for a key of the user's, and its own beside it", async () => {
    const key = join(world.home, "id_ed25519");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await ssh("demo");
    const own = (await told()).options["CertificateFile"] ?? "";
    assert.equal((await ssh("--identity-file", "id_ed25519", "demo")).code, 0);
    const { options } = await told();
    assert.equal(options["IdentityFile"], key);
    assert.match(options["ProxyCommand"] ?? "", new RegExp(` --identity-file ${key} `));
    assert.notEqual(options["CertificateFile"], own);
    assert.equal(service.ssh.issued.at(-1), (await readFile(`${key}.pub`, "utf8")).trim());
  });

  for (const [validity, side] of [
    ["-11m:-1m", "ahead of"],
    ["+9m:+20m", "behind"],
  ] as const) {
    it(`tells a clock that is ${side} the service's, and goes on`, async () => {
      service.ssh.validity = validity;
      const told = await ssh("demo").finally(() => (service.ssh.validity = "-1m:+10m"));
      assert.deepEqual(told, {
        code: 0,
        stdout: "",
        stderr: `warning: this machine's clock is 10 minutes ${side} the service's\n`,
      });
      assert.equal((await ssh("demo")).stderr, "", "its certificate is no older for that");
    });
  }

  it("takes a key with a passphrase in batch mode where an agent holds it, and only there", async () => {
    const [key, agent] = [join(world.home, "locked"), join(world.home, "agent")];
    const env = { SSH_AUTH_SOCK: agent };
    const child = spawn("ssh-agent", ["-D", "-a", agent], { stdio: "ignore" });
    try {
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
      assert.ok(await waitUntil(() => existsSync(agent) || undefined, { timeoutMs: 20_000 }));
      const login = () =>
        world.call(["sandbox", "ssh", "--identity-file", "locked", "--batch-mode", "demo"], { env });
      execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", key]);
      assert.match((await login()).stderr, /^error: the key \S+ has a passphrase, .*\nhint: .*ssh-add/);
      execFileSync("ssh-keygen", ["-q", "-p", "-P", "secret", "-N", "", "-f", key]);
      execFileSync("ssh-add", ["-q", key], { env: { ...world.env, ...env } });
      execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", key]);
      assert.deepEqual(await login(), { code: 0, stdout: "", stderr: "" });
    } finally {
      child.kill();
      await once(child, "exit");
    }
  });

  it("prints a line that does the same when it is pasted", async () => {
    const line = await world.ok(["sandbox", "ssh-command", "demo", "--connect-timeout", "5s"]);
    await ssh("--connect-timeout", "5s", "demo");
    const expected = await called();
    await rm(join(world.home, "called"));
    execFileSync("sh", ["-c", line], { env: world.env });
    assert.deepEqual(await called(), expected);
  });

  it("prints the parts of the line as JSON, and every path in it is there", async () => {
    const call = await world.json<Record<string, string | number>>([
      "sandbox",
      "ssh-command",
      "--user",
      "tenki",
    ]);
    assert.deepEqual(Object.keys(call), [
      ...["session_id", "user", "host", "port", "identity_file"],
      ...["certificate_file", "proxy_command", "known_hosts_file"],
    ]);
    assert.deepEqual(
      [call["session_id"], call["user"], call["host"], call["port"]],
      [demo, "tenki", demo, 22],
    );
    for (const name of ["identity_file", "certificate_file", "known_hosts_file"])
      assert.ok(existsSync(`${call[name]}`), name);
    const text = await world.ok(["sandbox", "ssh-command", "demo"]);
    assertGolden(
      "ssh-command.txt",
      text.replaceAll(world.home, "HOME").replaceAll(service.endpoint, "ENDPOINT"),
    );
  });

  it("survives a home directory with blanks, quotes and percent signs in its name", async () => {
    const home = join(world.home, `a "b" 100%d 'e'`);
    await mkdir(home);
    const line = await world.ok(["sandbox", "ssh-command", "demo"], { env: { XDG_CONFIG_HOME: home } });
    const real = world.env["PATH"]?.split(":").slice(1).join(":");
    const shown = execFileSync("sh", ["-c", line.replace(/^ssh /, "ssh -G ")], {
      env: { ...world.env, PATH: real },
      encoding: "utf8",
    });
    assert.ok(shown.includes(`identityfile ${home.replace("%", "%%")}/tenki/ssh/id_ed25519\n`), shown);
  });

  it("replaces the keys that may log in", async () => {
    const keys = ["ssh-ed25519 AAAA one", "ssh-rsa BBBB two"];
    await writeFile(join(world.home, "keys"), `# mine\n${keys[0]}\n\n${keys[1]}\r\n`);
    const set = (...args: string[]) => world.call(["sandbox", "ssh-keys", "set", "--keys-file", ...args]);
    assert.deepEqual(await set("keys", "demo"), {
      code: 0,
      stdout: "",
      stderr: `2 keys may log in to ${demo}\n`,
    });
    assert.deepEqual(service.sessions.authorizedKeys.get(demo), keys);
    const one = await world.call(["sandbox", "ssh-keys", "set", "--keys-file", "-", "--json"], {
      input: "ssh-ed25519 CCCC",
    });
    assert.deepEqual(JSON.parse(one.stdout), { session_id: demo, keys: ["ssh-ed25519 CCCC"] });
    assert.deepEqual(service.sessions.authorizedKeys.get(demo), ["ssh-ed25519 CCCC"]);
  });

  describe("says what is wrong:", () => {
    const noPrograms = { env: { PATH: "/nonexistent" } };
    const keygen = (path: string, ...args: string[]) =>
      execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-f", path, ...args]);
    const cases: readonly [string, () => Promise<Outcome>][] = [
      ["no-ssh", async () => (await ssh("demo"), world.call(["sandbox", "ssh", "demo"], noPrograms))],
      ["no-ssh-keygen", () => world.call(["sandbox", "ssh", "demo"], noPrograms)],
      [
        "key-without-public-half",
        async () => {
          keygen(join(world.home, "half"), "-N", "");
          await rm(join(world.home, "half.pub"));
          return ssh("--identity-file", "half", "demo");
        },
      ],
      [
        "public-half-that-is-none",
        async () => {
          keygen(join(world.home, "half"), "-N", "");
          await writeFile(join(world.home, "half.pub"), "nothing of the kind\n");
          return ssh("--identity-file", "half", "demo");
        },
      ],
      ["no-such-key", () => ssh("--identity-file", "none", "demo")],
      [
        "passphrase-in-batch-mode",
        () => {
          keygen(join(world.home, "locked"), "-N", "secret");
          return ssh("--identity-file", "locked", "--batch-mode", "demo");
        },
      ],
      ["bad-gateway", () => ssh("--gateway", "somewhere", "demo")],
      ["bad-connect-timeout", () => ssh("--connect-timeout", "0", "demo")],
      ["bad-checking", () => ssh("--strict-host-key-checking=sometimes", "demo")],
      ["ssh-flag-before-session", () => ssh("-L", "8080:localhost:80", "demo")],
      ["unknown-session", () => ssh("nobody")],
      ["unknown-session-in-proxy", () => world.call(["sandbox", "ssh-proxy", "--host", "sbx-nobody"])],
      ["bad-host", () => world.call(["sandbox", "ssh-proxy", "--host", "sbx-$(reboot)"])],
      ["no-keys-file", () => world.call(["sandbox", "ssh-keys", "set", "--keys-file", "none", "demo"])],
      [
        "no-key-in-file",
        () => world.call(["sandbox", "ssh-keys", "set", "--keys-file", "/dev/null", "demo"]),
      ],
      [
        "wrong-token",
        () => world.call(["sandbox", "ssh-proxy", "demo"], { env: { TENKI_API_KEY: "tk_wrong" } }),
      ],
      ["certificate-in-vain", async () => refused(401, "the token is not known")],
      ["paused-session", () => refused(409, "session is not running (state=PAUSED)")],
      ["gone-session", () => refused(404, "session not found")],
      ["gateway-without-ssh", () => refused(503, "there is no SSH server on this machine")],
      [
        "unreachable-service",
        () => {
          const env = { TENKI_API_ENDPOINT: "http://127.0.0.1:1" };
          return world.call(["sandbox", "ssh-proxy", "--session", demo], { env });
        },
      ],
    ];
    /** What the bridge says in place of the upgrade. */
    function refused(status: number, text: string): Promise<Outcome> {
      service.ssh.refusal = [status, text];
      return world
        .call(["sandbox", "ssh-proxy", "--session", "demo"])
        .finally(() => (service.ssh.refusal = undefined));
    }

    for (const [name, call] of cases) {
      it(name, async () => {
        const { code, stdout, stderr } = await call();
        assert.deepEqual(
          [stdout, stderr.split("\n").filter((line) => line.startsWith("error:")).length],
          ["", 1],
        );
        const text = stderr.replaceAll(world.home, "HOME").replaceAll(service.endpoint, "ENDPOINT");
        assertGolden(`ssh/${name}.txt`, `exit code ${code}\n${text}`);
      });
    }
  });
});
