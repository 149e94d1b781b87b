import assert from "node:assert/strict";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { RelayProcess } from "../../src/lib/relay-process.js";
import { guestBinary } from "./support/guest-sandbox.js";
import { readAll, SocketPairs } from "./support/socket-pairs.js";

let pairs: SocketPairs;
let directory: string;
before(async () => {
  pairs = await SocketPairs.open();
  directory = pairs.directory;
});
after(() => pairs.close());
const pair = () => pairs.make();

const guestFrame = (type: number, payload: string, length = payload.length): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt32LE(length, 0);
  head.writeUInt8(type, 4);
  return Buffer.concat([head, Buffer.from(payload)]);
};
const laneFrame = (kind: number, payload: string, length = payload.length): Buffer => {
  const head = Buffer.alloc(5);
  head.writeUInt8(kind, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, Buffer.from(payload)]);
};
const [stdout, stderr, exit] = [0x83, 0x84, 0x86];
const between = { kind: 0, left: 0 };

function start(format: "guest" | "lane", from: Socket, ...to: (Socket | number)[]): RelayProcess {
  const relay = RelayProcess.start([guestBinary, "pass", format], from, to);
  assert.ok(relay);
  return relay;
}

describe("a burst passed on for the engine", () => {
  const relay = async (written: readonly Buffer[], open = between) => {
    const [guest, link] = await pair();
    const [caller, lane] = await pair();
    const passing = start("guest", link, lane);
    guest.write(Buffer.concat(written));
    const end = await passing.go(open);
    lane.end();
    const passed = await readAll(caller);
    const left = link.read() as Buffer | null;
    link.resume();
    const rest = left ?? ((await Promise.race([once(link, "data"), once(link, "end")])) as [Buffer?])[0];
    for (const socket of [guest, link, caller]) socket.destroy();
    return { end, passed, rest };
  };

  it("goes on as the lane's frames, up to the first that is no output, which is left where it is", async () => {
    const { end, passed, rest } = await relay([
      guestFrame(stdout, "out"),
      guestFrame(stderr, "err"),
      guestFrame(exit, "0123"),
    ]);
    assert.deepEqual(end, { passed: 6, why: "boundary" });
    assert.deepEqual(passed, Buffer.concat([laneFrame(1, "out"), laneFrame(2, "err")]));
    assert.deepEqual(rest, guestFrame(exit, "0123"));
  });

  it("begins in the middle of a frame", async () => {
    const { end, passed } = await relay(
      [Buffer.from("rest"), guestFrame(stdout, "x"), guestFrame(exit, "")],
      {
        ...{ kind: 2, left: 4 },
      },
    );
    assert.deepEqual(end, { passed: 5, why: "boundary" });
    assert.deepEqual(passed, Buffer.concat([laneFrame(2, "rest"), laneFrame(1, "x")]));
  });

  for (const [what, length] of [
    ["longer than there may be", (256 << 10) + 1],
    ["as long as can be said", 0xffff_ffff],
    ["of nothing", 0],
  ] as const) {
    it(`leaves a frame ${what} to who knows what that means`, async () => {
      const { end, passed, rest } = await relay([guestFrame(stdout, "", length)]);
      assert.deepEqual([end, passed.length], [{ passed: 0, why: "boundary" }, 0]);
      assert.deepEqual(rest, guestFrame(stdout, "", length));
    });
  }

  it("says where a sandbox broke off within a frame", async () => {
    const [guest, link] = await pair();
    const [caller, lane] = await pair();
    const passing = start("guest", link, lane);
    guest.end(guestFrame(stdout, "half", 8));
    assert.deepEqual(await passing.go(between), { passed: 4, why: "source_ended" });
    for (const socket of [guest, link, caller, lane]) socket.destroy();
  });

  it("ends with its caller", async () => {
    const [guest, link] = await pair();
    const [caller, lane] = await pair();
    const passing = start("guest", link, lane);
    caller.destroy();
    await once(caller, "close");
    const going = passing.go(between);
    guest.write(guestFrame(stdout, "to nobody"));
    assert.equal((await going).why, "target_closed");
    for (const socket of [guest, link, lane]) socket.destroy();
  });

  it("is passed on by nobody once who started it is not there, or says stop", async () => {
    const [guest, link] = await pair();
    const [, lane] = await pair();
    const passing = start("guest", link, lane);
    passing.stop();
    await passing.over;
    assert.equal((await passing.go(between)).why, "failed");
    for (const socket of [guest, link, lane]) socket.destroy();
  });

  it("is told apart from one that could not be started", async () => {
    const [guest, link] = await pair();
    const [, lane] = await pair();
    const passing = RelayProcess.start(["/none", "pass", "guest"], link, [lane]);
    assert.deepEqual(await passing?.go(between), { passed: 0, why: "not_started" });
    for (const socket of [guest, link, lane]) socket.destroy();
  });
});

describe("a burst passed on for the command line", () => {
  it("is written to two outputs, whatever they are, and counted", async () => {
    const [engine, lane] = await pair();
    const written = await open(join(directory, "out"), "w");
    const appended = await open(join(directory, "err"), "a");
    await appended.write("before ");
    const passing = start("lane", lane, written.fd, appended.fd);
    const large = "x".repeat(300_000);
    const bytes = Buffer.concat([laneFrame(1, large), laneFrame(2, "err"), laneFrame(0, "{}")]);
    const going = passing.go(between);
    for (let at = 0; at < bytes.length; at += 99_999) {
      engine.write(bytes.subarray(at, at + 99_999));
      await new Promise(setImmediate);
    }
    assert.deepEqual(await going, { passed: 300_003, why: "boundary" });
    await Promise.all([written.close(), appended.close()]);
    assert.equal(await readFile(join(directory, "out"), "utf8"), large);
    assert.equal(await readFile(join(directory, "err"), "utf8"), "before err");
    for (const socket of [engine, lane]) socket.destroy();
  });

  it("has what it says counted when the connection breaks off within a frame", async () => {
    const [engine, lane] = await pair();
    const out = await open(join(directory, "cut"), "w");
    const passing = start("lane", lane, out.fd, out.fd);
    engine.end(laneFrame(1, "half", 1_000));
    assert.deepEqual(await passing.go(between), { passed: 4, why: "source_ended" });
    await out.close();
    assert.equal(await readFile(join(directory, "cut"), "utf8"), "half");
    lane.destroy();
  });
});
