import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lutimes, readdir, readFile, readlink, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, it } from "node:test";
import { readCertificate } from "../../src/cli/ssh/read-certificate.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { type RunningCall, TestWorld } from "./support/test-io.js";

const demo = "0190d3c5-0000-7000-8000-000000000001";
const other = "0190d3c5-0000-7000-8000-000000000002";

describe("ssh-proxy", () => {
  let service: MemoryService;
  let world: TestWorld;
  beforeEach(async () => {
    service = await MemoryService.start();
    await service.ssh.open();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    for (const name of ["demo", "other"]) await world.ok(["sandbox", "create", "--name", name]);
  });
  afterEach(async () => {
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });
  const kept = (...names: string[]) => join(world.home, ".config", "tenki", "ssh-certs", ...names);
  const keyPath = () => join(world.home, ".config", "tenki", "ssh", "id_ed25519");
  const certificatePath = (id = demo) => kept(id, "id_ed25519-cert.pub");
  const proxy = (...args: string[]) => ["sandbox", "ssh-proxy", ...args];
  const prepare = (...args: string[]) => world.ok(proxy("--prepare", ...args));

  /** Begins a proxy whose stdin stays open, and waits until it carries bytes. */
  async function connected(...args: string[]): Promise<{ call: RunningCall; stdin: PassThrough }> {
    const stdin = new PassThrough();
    const call = world.start(proxy(...args), { input: stdin });
    stdin.write("hello\n");
    await call.shows("stdout", /hello/);
    return { call, stdin };
  }

  it("carries bytes both ways, and says nothing", async () => {
    const { call, stdin } = await connected("--session", "demo");
    stdin.end("bye\n");
    assert.deepEqual(await call.ended, { code: 0, stdout: "hello\nbye\n", stderr: "" });
  });

  it("makes key, certificate and host keys, readable by their owner only", async () => {
    await prepare("--session", "demo");
    const certificate = readCertificate(await readFile(certificatePath(), "utf8"));
    assert.equal(certificate?.keyId, demo);
    assert.equal(certificate.certifies(await readFile(`${keyPath()}.pub`, "utf8")), true);
    const names = `${demo},[${demo}]:*,sbx-*,[sbx-*]:*`;
    assert.equal(await readFile(kept(demo, "known_hosts"), "utf8"), `${names} ${service.ssh.hostKey}\n`);
    for (const path of [keyPath(), certificatePath(), kept(demo, "known_hosts")])
      assert.equal((await stat(path)).mode & 0o77, 0, path);
    assert.equal((await stat(kept(demo))).mode & 0o77, 0);
  });

  it("takes the authority's word where the service does not tell the server's keys", async () => {
    service.ssh.hidesHostKeys = true;
    await prepare("--session", "demo");
    assert.match(await readFile(kept(demo, "known_hosts"), "utf8"), /^@cert-authority \S+ ssh-ed25519 /);
  });

  it("asks the service nothing while the certificate is good", async () => {
    await prepare("--session", demo);
    const before = service.ssh.calls.length;
    const { call, stdin } = await connected("--session", demo);
    stdin.end();
    assert.equal((await call.ended).code, 0);
    assert.equal(service.ssh.calls.length, before);
  });

  it("renews a certificate of which a third is left, one of another session, and what is none", async () => {
    await prepare("--session", demo);
    await prepare("--session", other);
    const spoilt: Record<string, () => Promise<void>> = {
      old: () => utimes(certificatePath(), new Date(), new Date(Date.now() - 1_000)),
      "from the future": () => utimes(certificatePath(), new Date(), new Date(Date.now() + 401_000)),
      "of another session": async () => writeFile(certificatePath(), await readFile(certificatePath(other))),
      broken: () => writeFile(certificatePath(), "ssh-ed25519-cert-v01@openssh.com AAAAIHNz"),
      empty: () => writeFile(certificatePath(), ""),
    };
    for (const [what, spoil] of Object.entries(spoilt)) {
      const before = service.ssh.issued.length;
      await spoil();
      await prepare("--session", demo);
      assert.equal(service.ssh.issued.length, before + 1, what);
      assert.equal(readCertificate(await readFile(certificatePath(), "utf8"))?.keyId, demo, what);
    }
    const left = (await stat(certificatePath())).mtimeMs - Date.now();
    assert.ok(left > 390_000 && left <= 400_000, "two thirds of ten minutes");
    const before = service.ssh.issued.length;
    await utimes(certificatePath(), new Date(), new Date(Date.now() + 10_000));
    await prepare("--session", demo);
    assert.equal(service.ssh.issued.length, before, "still good");
  });

  it("renews the certificate of the key that is named, and leaves its own", async () => {
    await prepare("--session", demo);
    const key = join(world.home, "mine");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await prepare("--session", demo, "--identity-file", "mine");
    const mine = (await readdir(kept(demo))).find((name) => name.startsWith("mine-")) ?? "";
    await utimes(kept(demo, mine), new Date(), new Date(Date.now() - 1_000));
    const before = service.ssh.issued.length;
    await prepare("--session", demo, "--identity-file", key);
    assert.deepEqual(service.ssh.issued.slice(before), [(await readFile(`${key}.pub`, "utf8")).trim()]);
    const certificate = readCertificate(await readFile(kept(demo, mine), "utf8"));
    assert.equal(certificate?.certifies(await readFile(`${key}.pub`, "utf8")), true);
  });

  it("makes one key and asks for one certificate, however many begin at once", async () => {
    const calls = Array.from({ length: 10 }, () => world.call(proxy("--session", demo), { input: "x" }));
    for (const { code, stderr } of await Promise.all(calls)) assert.deepEqual([code, stderr], [0, ""]);
    assert.equal(service.ssh.issued.length, 1);
    assert.deepEqual((await readdir(join(keyPath(), ".."))).sort(), ["id_ed25519", "id_ed25519.pub"]);
    assert.deepEqual((await readdir(kept(demo))).sort(), ["gateway", "id_ed25519-cert.pub", "known_hosts"]);
  });

  it("finds sessions by the names that ssh has for them", async () => {
    for (const host of ["sbx-demo", `sbx-${demo}`, `sbx-${demo.toUpperCase()}`]) {
      const { call, stdin } = await connected("--host", host);
      stdin.end();
      assert.equal((await call.ended).code, 0);
      assert.equal(await readlink(kept(host)), demo);
    }
  });

  it("looks a name up anew for the next connection, not for the one that is being made", async () => {
    await prepare("--host", "sbx-demo");
    service.sessions.byName("demo").wire.name = "renamed";
    service.sessions.byName("other").wire.name = "demo";
    await prepare("--host", "sbx-demo");
    assert.equal(await readlink(kept("sbx-demo")), demo);
    await lutimes(kept("sbx-demo"), new Date(), new Date(Date.now() - 1_000)); // a minute later
    await prepare("--host", "sbx-demo");
    assert.equal(await readlink(kept("sbx-demo")), other);
    const before = service.ssh.issued.length;
    await world.ok(proxy("--host", "sbx-other", "--prepare"));
    assert.equal(service.ssh.issued.length, before, "a name that no session has");
  });

  it("keeps nothing of a session that is over, whose name may be another's", async () => {
    await prepare("--host", "sbx-demo");
    await prepare("--host", `sbx-${demo}`);
    await prepare("--host", "sbx-other");
    const left = [other, "sbx-other"];
    service.ssh.refusal = [409, "session is terminated (state=TERMINATED)"];
    const { code, stderr } = await world.call(proxy("--host", "sbx-demo"));
    assert.deepEqual([code, stderr], [1, "error: session is terminated (state=TERMINATED)\n"]);
    assert.deepEqual((await readdir(kept())).sort(), left);
    service.ssh.refusal = [409, "session is not running (state=PAUSED)"];
    await world.call(proxy("--host", "sbx-other"));
    assert.deepEqual((await readdir(kept())).sort(), left, "it is not over");
    service.ssh.refusal = undefined;
    await world.ok(["sandbox", "terminate", "other"]);
    assert.deepEqual(await readdir(kept()), []);
  });

  it("looks again for a gateway that has moved", async () => {
    await prepare("--session", demo);
    const kept = service.ssh.address;
    service.ssh.close();
    await service.ssh.open();
    assert.notEqual(service.ssh.address, kept);
    const { call, stdin } = await connected("--session", demo);
    stdin.end();
    assert.equal((await call.ended).code, 0);
    assert.equal(service.ssh.calls.at(-1), "listActiveSSHGateways");
  });

  it("goes through the gateway that is named, and through no other", async () => {
    const gateway = service.ssh.address;
    const { call, stdin } = await connected("--session", demo, "--gateway", gateway);
    stdin.end();
    assert.equal((await call.ended).code, 0);
    service.ssh.close();
    const { code, stderr } = await world.call(proxy("--session", demo, "--gateway", gateway));
    assert.equal(code, 5);
    assert.match(stderr, new RegExp(`^error: cannot reach ${gateway}: connection refused`));
  });

  it("ends when the server does, though ssh still holds stdin", async () => {
    service.ssh.serve = (socket) =>
      socket.once("message", () => (socket.send(Buffer.from("bye\n")), socket.close(1000)));
    const call = world.start(proxy("--session", demo), { input: new PassThrough() });
    (call.stdin as unknown as PassThrough).write("x");
    assert.deepEqual(await call.ended, { code: 0, stdout: "bye\n", stderr: "" });
    assert.equal(call.stdin.destroyed, true);
  });

  it("hears the server's last words after ssh's", async () => {
    service.ssh.serve = (socket) => {
      const resume = () => socket.resume();
      socket.on(
        "message",
        () => (socket.pause(), socket.send(Buffer.from("last words"), () => setImmediate(resume))),
      );
    };
    const outcome = await world.call(proxy("--session", demo), { input: "x" });
    assert.deepEqual(outcome, { code: 0, stdout: "last words", stderr: "" });
  });

  it("says in one line that the connection broke, and why", async () => {
    const ends: readonly [
      (socket: { close(code: number, why: string): void; terminate(): void }) => void,
      string,
    ][] = [
      [
        (socket) => socket.close(1001, "the engine is stopping"),
        "the SSH connection ended: the engine is stopping",
      ],
      [(socket) => socket.terminate(), "the SSH connection ended: the connection to the gateway was lost"],
    ];
    for (const [end, message] of ends) {
      service.ssh.serve = (socket) => void socket.once("message", () => end(socket));
      const { code, stderr } = await world.call(proxy("--session", demo), { input: "x" });
      assert.deepEqual([code, stderr], [5, `error: ${message}\n`]);
    }
  });

  it("says why the server lets ssh not in, and has another certificate the next time", async () => {
    const told: readonly [why: string, words: RegExp][] = [
      ["certificate_expired", /^error: the SSH certificate has expired\nhint: run the same command again/],
      ["certificate_not_yet_valid", /^error: .* not valid yet by the server's clock.*\nhint: /],
      ["certificate_not_for_this", /^error: the SSH certificate is for another session, .*\nhint: run/],
    ];
    for (const [why, words] of told) {
      service.ssh.serve = (socket) => {
        for (const text of ["hello", "{}", JSON.stringify({ login_refused: why })]) socket.send(text);
        socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
      };
      await prepare("--session", demo);
      const before = service.ssh.issued.length;
      const { code, stdout, stderr } = await world.call(proxy("--session", demo), { input: "x" });
      assert.deepEqual([code, stdout], [0, "x"], "ssh may have another key");
      assert.match(stderr, words);
      assert.equal(stderr.split("\n").length, 3);
      await prepare("--session", demo);
      assert.equal(service.ssh.issued.length, before + 1);
    }
  });

  it("says which login names there are, and keeps the certificate", async () => {
    service.ssh.serve = (socket) => {
      socket.send(JSON.stringify({ login_refused: "unknown_user" }));
      socket.on("message", () => socket.close(1000));
    };
    await prepare("--session", demo);
    const before = service.ssh.issued.length;
    const { stderr } = await world.call(proxy("--session", demo), { input: "x" });
    assert.equal(stderr, "error: the session has no such login name\nhint: log in as tenki or root\n");
    await prepare("--session", demo);
    assert.equal(service.ssh.issued.length, before);
  });

  it("holds the server back while ssh does not read", async () => {
    let sent = 0;
    service.ssh.serve = (socket) => {
      const more = () => {
        if (sent >= 64 << 20) return;
        sent += 64 * 1024;
        socket.send(Buffer.alloc(64 * 1024), more);
      };
      more();
    };
    const call = world.start(proxy("--session", demo), { input: new PassThrough() });
    call.stdout.hold();
    const isQuiet = settled(() => sent);
    assert.notEqual(await waitUntil(isQuiet, { timeoutMs: 10_000 }), undefined);
    assert.ok(sent > 0 && sent < 32 << 20, `${sent} bytes were sent ahead`);
    call.stdout.release();
    call.stdout.breakPipe();
    assert.deepEqual((await call.ended).stderr, "");
  });

  it("holds ssh back while the server does not read", async () => {
    service.ssh.serve = (socket) => socket.pause();
    const stdin = new PassThrough();
    world.start(proxy("--session", demo), { input: stdin });
    let taken = 0;
    const feed = () => {
      taken += 64 * 1024;
      if (taken < 64 << 20) stdin.write(Buffer.alloc(64 * 1024), feed);
    };
    feed();
    assert.notEqual(
      await waitUntil(
        settled(() => taken),
        { timeoutMs: 10_000 },
      ),
      undefined,
    );
    assert.ok(taken > 0 && taken < 32 << 20, `${taken} bytes were taken`);
    stdin.destroy();
  });
});

/** Answers once a number has stopped changing. */
function settled(read: () => number): () => true | undefined {
  let [last, since] = [-1, Date.now()];
  return () => {
    if (read() !== last) [last, since] = [read(), Date.now()];
    return last > 0 && Date.now() - since > 300 ? true : undefined;
  };
}
