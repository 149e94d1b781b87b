import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { cp, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { WebSocket } from "ws";
import { waitUntil } from "../../src/lib/wait-until.js";
import { goodToken, MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";

/** The built launcher with pipes, as ssh starts it. */
describe("ssh-proxy as a process", () => {
  let service: MemoryService;
  let world: TestWorld;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    service = await MemoryService.start();
    await service.ssh.open();
    world = await TestWorld.open({ TENKI_API_KEY: goodToken, TENKI_API_ENDPOINT: service.endpoint });
    await world.ok(["sandbox", "create", "--name", "demo"]);
    await world.ok(["sandbox", "ssh-proxy", "--prepare"]);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill("SIGKILL");
    await world[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
  });

  function start(launcher = resolve("bin/tenki")) {
    const session = "0190d3c5-0000-7000-8000-000000000001";
    const words = [launcher, "sandbox", "ssh-proxy", "--session", session];
    const child = spawn(process.execPath, words, { env: world.env, stdio: ["pipe", "pipe", "pipe"] });
    children.push(child);
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>((done) =>
      child.once("close", (code, signal) => done({ code, signal, stderr })),
    );
    return { child, ended };
  }

  async function until(holds: () => boolean): Promise<void> {
    const seen = await waitUntil(() => (holds() ? true : undefined), { timeoutMs: 20_000 });
    assert.equal(seen, true);
  }

  it("loads neither gRPC nor anything else that it does not need", async () => {
    const copy = join(world.home, "copy");
    await mkdir(join(copy, "dist"), { recursive: true });
    await cp("bin", join(copy, "bin"), { recursive: true });
    for (const part of ["tenki.cjs", "ws.cjs"]) await cp(join("dist", part), join(copy, "dist", part));
    const { child, ended } = start(join(copy, "bin", "tenki"));
    let stdout = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stdin.end("hello");
    assert.deepEqual(await ended, { code: 0, signal: null, stderr: "" });
    assert.equal(stdout, "hello");
  });

  it("takes what ssh says while ssh does not listen", async () => {
    let received = 0;
    service.ssh.serve = (socket) => {
      socket.on("message", (data: Buffer) => (received += data.length));
      sendAlways(socket);
    };
    const { child } = start();
    child.stdout.pause();
    let sent = 0;
    for (; sent < 4 << 20; sent += 64 * 1024) child.stdin.write(Buffer.alloc(64 * 1024));
    await until(() => received === sent);
  });

  it("ends by itself when the server does, though ssh goes on", async () => {
    service.ssh.serve = (socket) => socket.close(1000);
    const { ended } = start();
    assert.deepEqual(await ended, { code: 0, signal: null, stderr: "" });
  });

  it("goes without a word when ssh ends it, or has gone", async () => {
    let connections = 0;
    service.ssh.serve = () => (connections += 1);
    const one = start();
    await until(() => connections === 1);
    one.child.kill("SIGHUP");
    assert.deepEqual(await one.ended, { code: null, signal: "SIGHUP", stderr: "" });
    service.ssh.serve = sendAlways;
    const other = start();
    other.child.stdout.destroy();
    assert.deepEqual((await other.ended).stderr, "");
  });
});

function sendAlways(socket: WebSocket): void {
  const more = (error?: Error) => error ?? socket.send(Buffer.alloc(64 * 1024), more);
  more();
}
