import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { NodeSSH } from "node-ssh";
import { type ClientChannel, Client as Ssh2Client } from "ssh2";
import type { Session } from "../../src/client/index.js";
import { SshClient } from "./support/ssh.js";
import { type EngineStarted, Workbench } from "./support/tenki.js";

describe("SSH clients written in JavaScript, over the library's transport", () => {
  let bench: Workbench;
  let ssh: SshClient;
  let session: Session;
  let engine: EngineStarted;
  before(async () => {
    bench = await Workbench.open();
    engine = await bench.startEngine();
    ssh = new SshClient(bench, engine);
    const key = await ssh.makeKey("key", "-t", "ed25519");
    await bench.ok(["sandbox", "create", "--name", "first", "--authorized-keys-file", `${key}.pub`]);
    session = await ssh.session("first");
  });
  after(async () => {
    ssh.client.close();
    await bench.close();
  });
  const login = () => ({ username: "tenki", privateKey: readFileSync(ssh.path("key"), "utf8") });

  it("ssh2 runs a command, with much output and an exit code", async () => {
    const client = new Ssh2Client();
    client.connect({ ...login(), sock: await sshStream(session) });
    await once(client, "ready");
    const said = await new Promise<string>((resolve, reject) =>
      client.exec("head -c 3000000 /dev/zero | tr '\\0' x; exit 3", (error, stream) => {
        if (error !== undefined) return reject(error);
        let bytes = 0;
        stream.on("data", (data: Buffer) => (bytes += data.length));
        stream.on("close", (code: number) => resolve(`${bytes} ${code}`));
      }),
    );
    assert.equal(said, "3000000 3");
    client.end();
  });

  it("node-ssh puts a file, and reads it", async () => {
    const client = new NodeSSH();
    await client.connect({ ...login(), sock: await sshStream(session) });
    await client.putFile(ssh.path("key.pub"), "put.pub");
    const { stdout, code } = await client.execCommand("cat put.pub");
    assert.deepEqual([stdout, code], [ssh.publicKey("key"), 0]);
    client.dispose();
  });

  it("a hundred at once each have a command that answers, twice, in little memory", async (t) => {
    const residentMb = () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${engine.pid}/status`, "utf8"))?.[1]) / 1_000;
    const before_ = residentMb();
    const seen: number[] = [];
    for (const round of ["first", "second"]) {
      const clients: Ssh2Client[] = [];
      for (let at = 0; at < 10; at += 1)
        clients.push(...(await Promise.all(Array.from({ length: 10 }, () => loggedIn()))));
      const commands = await Promise.all(clients.map(cat));
      const said = await Promise.all(commands.map((command, at) => answerOf(command, `${round} ${at}`)));
      assert.deepEqual(
        said,
        commands.map((_, at) => `${round} ${at}`),
      );
      seen.push(residentMb() - before_);
      const closed = clients.map((client) => once(client, "close"));
      for (const client of clients) client.end();
      await Promise.all(closed);
    }
    t.diagnostic(`the engine has ${seen.map(Math.round).join(" and then ")} MB more than without`);
    assert.ok(Math.max(...seen) < 80, `${seen.join(" and ")} MB for a hundred logins`);
  });

  async function loggedIn(): Promise<Ssh2Client> {
    const client = new Ssh2Client();
    client.connect({ ...login(), sock: await sshStream(session), readyTimeout: 60_000 });
    await once(client, "ready");
    return client;
  }
});

const cat = (client: Ssh2Client) =>
  new Promise<ClientChannel>((resolve, reject) =>
    client.exec("cat", (error, stream) => (error === undefined ? resolve(stream) : reject(error))),
  );

async function answerOf(command: ClientChannel, words: string): Promise<string> {
  command.write(words);
  const [data] = (await once(command, "data")) as [Buffer];
  return data.toString();
}

/** The library's connection as the stream that clients written in JavaScript want. */
async function sshStream(session: Session): Promise<Duplex> {
  const connection = await session.ssh();
  return new Duplex({
    read() {
      connection.read().then(
        (data) => this.push(data),
        (error: Error) => this.destroy(error),
      );
    },
    write(data: Buffer, _encoding, done) {
      connection.write(data).then(
        () => process.nextTick(done),
        (error: Error) => process.nextTick(done, error),
      );
    },
    final(done) {
      connection.close();
      done();
    },
    destroy(error, done) {
      connection.close();
      done(error);
    },
  });
}
