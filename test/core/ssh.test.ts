import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Certificates } from "../../src/engine/core/ssh/certificates.js";
import { acceptedPrincipals } from "../../src/engine/core/ssh/principals.js";
import { serverFiles } from "../../src/engine/core/ssh/server-files.js";
import { SshServers } from "../../src/engine/core/ssh/ssh-servers.js";
import { OpensshKeys } from "../../src/engine/openssh/openssh-keys.js";
import { runProcess } from "../../src/lib/process.js";
import { minuteMs, Workbench } from "./workbench.js";

const ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/+EBT7SHeRyOupxq1BaEQY5U+OI+/nieuj1RjYNNGd";
const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAybOHkz1FHFXjrA52IHDfLyn3N7kla2h3DOb53zSuBq";
const signal = new AbortController().signal;

let dataDir: string;
before(() => void (dataDir = mkdtempSync(join(tmpdir(), "tenki-ssh-"))));
after(() => rmSync(dataDir, { recursive: true, force: true }));

async function openBench() {
  const bench = new Workbench();
  const { sessions, clock, parts } = bench;
  const keys = new OpensshKeys({ dataDir });
  const certificates = new Certificates({ sessions, keys, clock });
  const servers = new SshServers({ sessions, runtime: parts.runtime, keys, certificates });
  const session = await bench.createRunning({ env: { GREETING: 'say "hi"\\', LINES_OF: "a\nb" } });
  const issue = (request: Partial<Parameters<Certificates["issue"]>[0]> = {}) =>
    certificates.issue({ sessionId: session.id, publicKey: ed25519, sourceAddresses: [], ...request });
  const placed = () => {
    const files = parts.runtime.sandboxes.get(session.id)?.placed ?? [];
    return new Map(files.map((file) => [file.path.replace("/run/tenki/ssh/", ""), file]));
  };
  /** Whether a certificate names one of those that sshd would be told to take from there. */
  const accepts = async (certificate: string, clientAddress: string | undefined) => {
    const seen = (await inspect(certificate)).split("\n").map((line) => line.trim());
    return acceptedPrincipals({ sessionId: session.id, clientAddress }).some((name) => seen.includes(name));
  };
  return { bench, certificates, servers, session, issue, placed, accepts };
}

async function inspect(certificate: string): Promise<string> {
  const path = join(dataDir, "inspected.pub");
  writeFileSync(path, certificate);
  return runProcess(["ssh-keygen", "-L", "-f", path], { env: { ...process.env, TZ: "UTC" } });
}

describe("a certificate", () => {
  it("is for one session, ten minutes, and what sshd enforces", async () => {
    const { bench, session, issue } = await openBench();
    const issued = await issue({ publicKey: `${ed25519} me@home` });
    const seen = await inspect(issued.certificate);
    assert.match(seen, new RegExp(`Key ID: "${session.id}"`));
    assert.match(seen, new RegExp(`Principals: \\n +tenki\\n +root\\n +session-${session.id}\\n`));
    assert.match(seen, /Valid: from 2029-12-31T23:59:00 to 2030-01-01T00:10:00/);
    assert.match(seen, new RegExp(`Serial: ${issued.serial}\\n`));
    assert.match(
      seen,
      /Extensions: \n +permit-agent-forwarding\n +permit-port-forwarding\n +permit-pty\n +permit-user-rc\n*$/,
    );
    assert.equal(issued.expiresAt.getTime() - bench.clock.now().getTime(), 10 * minuteMs);
    assert.equal(issued.renewalAfterMs, 400_000);
  });

  it("is for as long as was asked, an hour at the most", async () => {
    const { bench, issue } = await openBench();
    const lasts = async (ttlMs: number) =>
      (await issue({ ttlMs })).expiresAt.getTime() - bench.clock.now().getTime();
    assert.equal(await lasts(30_000), 30_000);
    assert.equal(await lasts(60 * minuteMs), 60 * minuteMs);
    assert.equal(await lasts(61 * minuteMs), 60 * minuteMs);
  });

  it("has a serial of its own", async () => {
    const { issue } = await openBench();
    assert.notEqual((await issue()).serial, (await issue()).serial);
  });

  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey.export({ format: "jwk" });
  const sshString = (bytes: Buffer) => Buffer.concat([Buffer.from([0, 0, 0, bytes.length]), bytes]);
  const weakRsa = Buffer.concat(
    [
      Buffer.from("ssh-rsa"),
      Buffer.from(weak.e ?? "", "base64url"),
      Buffer.from(weak.n ?? "", "base64url"),
    ].map((bytes) => sshString(bytes)),
  ).toString("base64");
  const refused = {
    "no key": "this is not a key at all, and long enough",
    "two lines": `${ed25519}\n${otherKey}`,
    "options in front": `command="id" ${ed25519}`,
    "a type that its body is not": ed25519.replace("ssh-ed25519", "ssh-rsa"),
    "an old type": "ssh-dss AAAAB3NzaC1kc3MAAACBAPZxyz",
    "a certificate": "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQtdjAxQG9wZW5zc2guY29t",
    "a short RSA key": `ssh-rsa ${weakRsa}`,
  };
  for (const [what, publicKey] of Object.entries(refused)) {
    it(`is not made of ${what}`, async () => {
      const { issue } = await openBench();
      await assert.rejects(issue({ publicKey }), { kind: "invalid_argument", message: /^public_key: / });
    });
  }

  const clients = {
    "10.1.2.3": ["10.0.0.0/8", "10.1.2.3", "10.1.2.99/24", "0.0.0.0/0"],
    "::ffff:10.1.2.3": ["10.1.2.3/32"],
    "fd00::1": ["fd00::/8", "FD00:0:0:0::1", "::/0"],
    "fe80::1%eth0": ["fe80::/10"],
    "::1": ["::1"],
  };
  for (const [client, networks] of Object.entries(clients)) {
    for (const network of networks) {
      it(`bound to ${network} names what the server takes from ${client}, and from nobody else`, async () => {
        const { session, issue, accepts } = await openBench();
        const { certificate } = await issue({ sourceAddresses: ["192.0.2.1", network] });
        assert.equal(await accepts(certificate, client), true);
        assert.equal(await accepts(certificate, "192.0.2.1"), true);
        assert.equal(await accepts(certificate, undefined), false);
        for (const stranger of ["192.0.2.2", "2001:db8::1"])
          assert.equal(
            await accepts(certificate, stranger),
            network.endsWith("/0") && sameKind(stranger, network),
          );
        assert.doesNotMatch(await inspect(certificate), new RegExp(`session-${session.id}\\n`));
      });
    }
  }
  const sameKind = (one: string, two: string) => one.includes(":") === two.includes(":");

  it("is not bound to what is no address", async () => {
    for (const address of [
      "",
      "here",
      "10.0.0.0/33",
      "10.0.0.0/",
      "1.2.3",
      "fd00::/129",
      "1.2.3.4,5.6.7.8",
    ]) {
      const { issue } = await openBench();
      await assert.rejects(issue({ sourceAddresses: ["::1", address] }), {
        kind: "invalid_argument",
        message: /^source_addresses\[1\]: has to be an address/,
      });
    }
  });

  it("is had for a paused session, and not for one that is over or unknown", async () => {
    const { bench, session, issue } = await openBench();
    await bench.sessions.pause(session.id);
    await issue();
    await bench.sessions.terminate(session.id);
    await assert.rejects(issue(), { kind: "failed_precondition", message: /is terminated/ });
    await assert.rejects(issue({ sessionId: crypto.randomUUID() }), { kind: "not_found" });
  });
});

describe("the authority", () => {
  it("that was replaced is trusted for as long as its certificates can be good", async () => {
    const { bench, certificates } = await openBench();
    const [old] = await certificates.trusted();
    await certificates.rotate();
    const [fresh, ...former] = await certificates.trusted();
    assert.notEqual(fresh, old);
    assert.ok(former.includes(old ?? ""));
    await bench.clock.advance(60 * minuteMs);
    assert.ok((await certificates.trusted()).includes(old ?? ""), "what it signed last is good to its end");
    await bench.clock.advance(minuteMs);
    assert.deepEqual(await certificates.trusted(), [fresh]);
  });
});

describe("an SSH server", () => {
  it("is started as root with the session's files, and is let go of when its caller goes", async () => {
    const { bench, servers, session, placed, certificates } = await openBench();
    const process = await servers.connect({ sessionId: session.id, clientAddress: "127.0.0.1" }, signal);
    process.close();
    const command = bench.parts.runtime.sandboxes.get(session.id)?.commands.at(-1);
    const principals = "-o AuthorizedPrincipalsFile=/run/tenki/ssh/principals-3132372e302e302e31".split(" ");
    assert.deepEqual(command?.argv, [
      ...["sshd", "-i", "-e", "-f", "/run/tenki/ssh/sshd_config"],
      ...principals,
    ]);
    assert.deepEqual([command?.privileged, command?.letGo, command?.timeoutMs], [true, true, 0]);
    assert.equal(placed().get("principals")?.content, `session-${session.id}\n`);
    assert.equal(placed().get("authorities")?.content, `${(await certificates.trusted()).join("\n")}\n`);
    assert.match(placed().get("host_key")?.content ?? "", /PRIVATE KEY/);
    assert.equal(placed().get("host_key")?.mode, 0o600);
    assert.equal(placed().get("sshd_config")?.mode, 0o600, "it holds the session's environment");
  });

  it("is told the environment, as far as it has words for it", async () => {
    const { servers, session, placed } = await openBench();
    (await servers.connect({ sessionId: session.id, clientAddress: "127.0.0.1" }, signal)).close();
    const [told, ...more] = (placed().get("sshd_config")?.content ?? "")
      .split("\n")
      .filter((line) => line.startsWith("SetEnv"));
    assert.deepEqual(more, [], "of two lines the second would not count");
    assert.match(told ?? "", / "GREETING=say \\"hi\\"\\\\"/);
    assert.doesNotMatch(told ?? "", /LINES_OF/);
  });

  it("has a key of its own, which stays over pauses and restarts, and goes with the session", async () => {
    const { bench, servers, session } = await openBench();
    const [first] = await servers.hostKeys(session.id);
    const other = await bench.createRunning();
    assert.notDeepEqual(await servers.hostKeys(other.id), [first]);
    await bench.sessions.pause(session.id);
    const sessions = bench.lose();
    await sessions.recover();
    const keys = new OpensshKeys({ dataDir });
    const certificates = new Certificates({ sessions, keys, clock: bench.clock });
    const again = new SshServers({ sessions, runtime: bench.parts.runtime, keys, certificates });
    assert.deepEqual(await again.hostKeys(session.id), [first]);
    await sessions.terminate(session.id);
    await assert.rejects(again.hostKeys(session.id), { kind: "failed_precondition" });
    assert.equal(sessions.get(session.id).sshHostKey, undefined);
  });

  it("asked for by many at once, has one key", async () => {
    const { servers, session } = await openBench();
    const asked = await Promise.all([1, 2, 3].map(() => servers.hostKeys(session.id)));
    assert.equal(new Set(asked.flat()).size, 1);
  });

  it("takes the keys that the session has at that moment", async () => {
    const { bench, servers, session, placed } = await openBench();
    const lines = [ed25519, `from="10.0.0.1",command="a b" ${otherKey} me`];
    bench.sessions.ssh.setAuthorizedKeys(session.id, lines);
    (await servers.connect({ sessionId: session.id, clientAddress: "127.0.0.1" }, signal)).close();
    assert.equal(placed().get("authorized_keys")?.content, `${lines.join("\n")}\n`);
    bench.sessions.ssh.setAuthorizedKeys(session.id, [otherKey]);
    (await servers.connect({ sessionId: session.id, clientAddress: "127.0.0.1" }, signal)).close();
    assert.equal(placed().get("authorized_keys")?.content, `${otherKey}\n`);
  });

  it("keeps its session busy, and counts as activity", async () => {
    const { bench, servers, session } = await openBench();
    const process = await servers.connect({ sessionId: session.id, clientAddress: "127.0.0.1" }, signal);
    const events = process.events[Symbol.asyncIterator]();
    const reading = events.next();
    await bench.clock.advance(5 * minuteMs);
    process.close();
    await reading.catch(() => undefined);
    await events.return?.();
    assert.equal(bench.sessions.get(session.id).lastActivityAt?.getTime(), bench.clock.now().getTime());
  });

  it("is not had of a session that does not run", async () => {
    const { bench, servers, session } = await openBench();
    await bench.sessions.pause(session.id);
    await assert.rejects(servers.connect({ sessionId: session.id, clientAddress: "127.0.0.1" }, signal), {
      kind: "failed_precondition",
      message: /state=PAUSED/,
    });
  });
});

describe("a session's authorized keys", () => {
  const broken = {
    "a line break": `${ed25519}\n${otherKey}`,
    "no key": "ssh-ed25519",
    "a body that is none": "ssh-ed25519 AAAA!!!!",
    "a body of another type": `ssh-rsa ${ed25519.split(" ")[1]}`,
    "a comment": `# ${ed25519.replace("AAAA", "")}`,
  };
  for (const [what, line] of Object.entries(broken)) {
    it(`are refused for ${what}, when they are set and at create`, async () => {
      const { bench, session } = await openBench();
      const wrong = { kind: "invalid_argument", message: /^ssh_authorized_keys\[1\]: / };
      assert.throws(() => bench.sessions.ssh.setAuthorizedKeys(session.id, [ed25519, line]), wrong);
      assert.throws(() => bench.create({ sshAuthorizedKeys: [ed25519, line] }), wrong);
    });
  }

  it("of a session that is over are not changed", async () => {
    const { bench, session } = await openBench();
    await bench.sessions.terminate(session.id);
    assert.throws(() => bench.sessions.ssh.setAuthorizedKeys(session.id, [ed25519]), {
      kind: "failed_precondition",
    });
  });
});

describe("what sshd is started with", () => {
  it("names settings that this machine's server needs", () => {
    const files = serverFiles({
      sessionId: "id",
      clientAddress: undefined,
      hostPrivateKey: "",
      authorities: [],
      authorizedKeys: [],
      environment: { PATH: "/bin" },
      settings: ["SshdSessionPath /somewhere"],
    });
    assert.match(files[0]?.content ?? "", /^SshdSessionPath \/somewhere$/m);
  });
});
