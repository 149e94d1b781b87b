import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lutimes, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Client } from "../../src/client/index.js";
import { killEngine } from "./support/lose-machine.js";
import { SshPlace } from "./support/ssh-place.js";
import { ended, type EngineStarted, Workbench } from "./support/tenki.js";

/** Who gets in by ssh, who does not, and what either is told. */
describe("ssh's doors", () => {
  let bench: Workbench;
  let place: SshPlace;
  let id: string;
  let other: string;
  let engine: EngineStarted;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    await bench.ok(["login", "--endpoint", "local"]);
    const create = async (name: string) =>
      (await bench.json<{ id: string }>(["sandbox", "create", "--name", name])).id;
    other = await create("other");
    id = await create("demo");
    await bench.ok(["sandbox", "ssh", "config", "install"]);
    place = new SshPlace(bench);
  });
  after(async () => {
    place.close();
    await bench.close();
  });
  const local = (...names: string[]) => join(bench.home, ...names);
  const kept = (...names: string[]) => local(".config", "tenki", "ssh-certs", ...names);

  it("lets ten begin at once where nothing is there yet", async () => {
    for (const name of ["ssh/id_ed25519", "ssh/id_ed25519.pub", "ssh-certs"])
      await rm(local(".config", "tenki", name), { recursive: true, force: true });
    const numbers = Array.from({ length: 10 }, (_, at) => `${at}`);
    const said = await Promise.all(numbers.map((number) => place.ok("sbx-demo", `echo ${number}`)));
    assert.deepEqual(
      said,
      numbers.map((number) => `${number}\n`),
    );
    assert.deepEqual((await readdir(kept(id))).sort(), [
      "gateway",
      "id_ed25519-cert.pub",
      "known_hosts",
      "pass",
    ]);
  });

  it("lets in the keys that were set, from the next connection on", async () => {
    const key = local("own-key");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    const login = () =>
      place.ssh("-o", "CertificateFile=none", "-o", `IdentityFile=${key}`, "sbx-other", "whoami");
    // Without the one that the config names, which would open the door as well.
    const text = (await readFile(local(".config", "tenki", "ssh", "config"), "utf8"))
      .replace(/ +(Identity|Certificate)File .*\n/g, "")
      .replace("StrictHostKeyChecking", `IdentityFile ${key}\n  StrictHostKeyChecking`);
    await writeFile(local("by-key"), text);
    const byKey = () => place.run("ssh", ["-F", local("by-key"), "sbx-other", "whoami"]);
    assert.equal((await login()).code, 0, "by its certificate");
    assert.equal((await byKey()).code, 255);
    await bench.ok(["sandbox", "ssh-keys", "set", "--keys-file", `${key}.pub`, "other"]);
    assert.deepEqual((await byKey()).stdout, "tenki\n");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${key}-2`]);
    await bench.ok(["sandbox", "ssh-keys", "set", "--keys-file", `${key}-2.pub`, "other"]);
    assert.equal((await byKey()).code, 255);
  });

  describe("refuses", () => {
    it("another session's certificate", async () => {
      await place.ok("sbx-other", "true");
      await place.ok("sbx-demo", "true");
      const flags = ["-i", local(".config", "tenki", "ssh", "id_ed25519"), "-o", "IdentitiesOnly=yes"];
      const { proxy_command: proxy } = await bench.json<{ proxy_command: string }>([
        "sandbox",
        "ssh-command",
        "demo",
      ]);
      const login = (session: string) =>
        place.run("ssh", [
          ...["-F", "none", ...flags, "-o", `CertificateFile=${kept(session, "id_ed25519-cert.pub")}`],
          ...["-o", `UserKnownHostsFile=${kept(id, "known_hosts")}`, "-o", `ProxyCommand=${proxy}`],
          ...["-o", `HostKeyAlias=${id}`, "tenki@anything", "true"],
        ]);
      assert.equal((await login(id)).code, 0);
      const { code, stderr } = await login(other);
      assert.equal(code, 255);
      assert.match(stderr, /^error: the SSH certificate is for another session, .*\nhint: /m);
      assert.match(stderr, /Permission denied \(publickey\)/);
    });

    const ownKey = () => local(".config", "tenki", "ssh", "id_ed25519");
    /** In place of the one that is kept: really over, and `believedMs` from now on good by what this side knows. */
    async function placeExpired(believedMs: number, key = ownKey(), path = kept(id, "id_ed25519-cert.pub")) {
      const client = new Client({ baseUrl: engine.endpoint, authToken: engine.token });
      const publicKey = await readFile(`${key}.pub`, "utf8");
      const { sshCert, expiresAt } = await client.session(id).issueSshCert(publicKey, { ttlMs: 1_000 });
      client.close();
      await writeFile(path, `${sshCert}\n`);
      await utimes(path, new Date(), new Date(Date.now() + believedMs));
      const isOver = () => Promise.resolve(Date.now() > Number(expiresAt) || undefined);
      await place.until("the certificate's end", isOver);
    }
    const isExpired = /^error: the SSH certificate has expired\nhint: run the same command again/m;

    for (const whose of ["tenki's", "the user's"]) {
      it(`a certificate that is over, in words, when a line from before is pasted: ${whose} key; the next time it is a new one`, async () => {
        const mine = local("mine");
        if (whose !== "tenki's") execFileSync("ssh-keygen", ["-q", "-t", "ecdsa", "-N", "", "-f", mine]);
        const key = whose === "tenki's" ? ownKey() : mine;
        const call = ["sandbox", "ssh-command", "demo", ...(key === mine ? ["--identity-file", mine] : [])];
        const line = (await bench.ok(call)).trim();
        const { certificate_file: path } = await bench.json<{ certificate_file: string }>(call);
        await placeExpired(-1_000, key, path);
        const paste = () => place.run("sh", ["-c", `${line} -F none whoami`]);
        const refused = await paste();
        assert.equal(refused.code, 255);
        assert.match(refused.stderr, isExpired);
        assert.deepEqual(await paste(), { code: 0, stdout: "root\n", stderr: "" });
      });
    }

    it("no login by the config for that: it gets a new one first", async () => {
      await placeExpired(-1_000);
      assert.deepEqual(await place.ssh("sbx-demo", "whoami"), { code: 0, stdout: "tenki\n", stderr: "" });
    });

    it("a certificate that is over though its file's time says otherwise, in words, and once", async () => {
      await placeExpired(60_000);
      await lutimes(kept("sbx-demo"), new Date(), new Date(Date.now() + 60_000)); // else ssh has both looked after
      const { code, stderr } = await place.ssh("sbx-demo", "whoami");
      assert.equal(code, 255);
      assert.match(stderr, isExpired);
      assert.deepEqual(await place.ssh("sbx-demo", "whoami"), { code: 0, stdout: "tenki\n", stderr: "" });
    });

    it("who is neither tenki nor root, and says who is", async () => {
      const { code, stderr } = await place.ssh("daemon@sbx-demo", "true");
      assert.equal(code, 255);
      assert.match(stderr, /^error: the session has no such login name\nhint: log in as tenki or root$/m);
    });

    it("a server whose key is not the one that is known", async () => {
      const path = kept(id, "known_hosts");
      const known = await readFile(path, "utf8");
      await writeFile(path, await readFile(kept(other, "known_hosts"), "utf8"));
      const { code, stderr } = await place.ssh("sbx-demo", "true");
      await rm(path);
      assert.equal(code, 255);
      assert.match(stderr, /Host key verification failed/);
      await bench.ok(["sandbox", "ssh-proxy", "--prepare", "demo"]);
      assert.equal((await readFile(path, "utf8")).split(" ").at(-1), known.split(" ").at(-1));
    });

    it("a session that is paused, one that has ended, and none at all, each with one line of tenki's", async () => {
      await bench.ok(["sandbox", "pause", "other"]);
      const paused = await place.ssh("sbx-other", "true");
      assert.equal(paused.code, 255);
      assert.match(
        paused.stderr,
        /^error: session is not running \(state=PAUSED\)\nhint: tenki sandbox resume \S+\n/,
      );
      await bench.ok(["sandbox", "terminate", "other"]);
      const over = await place.ssh(`sbx-${other}`, "true");
      assert.match(over.stderr, /^error: session is terminated/);
      await bench.ok(["sandbox", "create", "--name", "other"]);
      assert.equal(
        await place.ok("sbx-other", "hostname"),
        "other\n",
        "the name is another session's at once",
      );
      const none = await place.ssh("sbx-nobody", "true");
      assert.equal(none.code, 255);
      assert.match(
        none.stderr,
        /^error: session not found: no session is named "nobody"\nhint: tenki sandbox list\n/,
      );
    });
  });

  const ends = {
    "is stopped": () => bench.ok(["engine", "stop"]),
    "is killed": () => killEngine(engine.pid),
  };
  for (const [what, end] of Object.entries(ends)) {
    it(`says so when the engine ${what} in the middle`, async () => {
      const child = place.start("ssh", ["-F", place.config, "sbx-demo", "echo begun; sleep 60"]);
      const over = ended(child);
      let [stdout, stderr] = ["", ""];
      child.stdout?.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
      child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      await place.until(
        "the command",
        async () => (await Promise.resolve(stdout === "begun\n")) || undefined,
      );
      await end();
      assert.equal(await over, 255);
      assert.match(stderr, /^error: the SSH connection ended: .*\n/);
      engine = await bench.startEngine();
      assert.equal(await place.ok("sbx-demo", "echo again"), "again\n");
    });
  }
});
