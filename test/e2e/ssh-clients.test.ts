import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { Duplex } from "node:stream";
import { after, before, describe, it } from "node:test";
import { NodeSSH } from "node-ssh";
import { Client as Ssh2Client } from "ssh2";
import type { Session } from "../../src/client/index.js";
import { SshClient } from "./support/ssh.js";
import { Workbench } from "./support/tenki.js";

describe("SSH clients written in JavaScript, over the library's transport", () => {
  let bench: Workbench;
  let ssh: SshClient;
  let session: Session;
  before(async () => {
    bench = await Workbench.open();
    ssh = new SshClient(bench, await bench.startEngine());
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
});

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
