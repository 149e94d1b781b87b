import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { constants } from "node:os";
import { after, before, test } from "node:test";
import { PayloadWriter } from "../../src/engine/runtime/guest/payload.js";
import { down, request } from "../../src/engine/runtime/guest/protocol.js";
import { attach, kept, Listener } from "./support/attached.js";
import { GuestSandbox } from "./support/guest-sandbox.js";
import { connectRaw, frame, readAll } from "./support/raw-client.js";
import { commandOf, neverAborts, start } from "./support/run-in.js";

let sandbox: GuestSandbox;
before(async () => {
  sandbox = await GuestSandbox.start();
});
after(() => sandbox.stop());

async function ask(payload: Uint8Array): Promise<Buffer> {
  const socket = await connectRaw(sandbox.socketPath);
  socket.write(frame(request.attach, payload));
  return readAll(socket);
}

const refusal = (errno: number, reason: number): Buffer =>
  frame(down.error, new PayloadWriter().u32(errno).u8(reason).finish());

test("a request that is none is refused, and an id that cannot be is nobody's", async () => {
  const offset = new PayloadWriter().u64(0).finish();
  const id = new PayloadWriter().string("x").finish();
  const bad = refusal(constants.errno.EINVAL, 3);
  for (const payload of [
    Buffer.alloc(0),
    id,
    offset,
    Buffer.concat([id, offset, Buffer.of(0)]),
    Buffer.concat([new PayloadWriter().bytes(Buffer.from("a\0b")).finish(), offset]),
    Buffer.concat([new PayloadWriter().u32(0xffff_fff0).finish(), offset]),
  ]) {
    assert.deepEqual(await ask(payload), bad);
  }
  for (const text of ["", "x".repeat(101), "y".repeat(1 << 20), randomUUID()]) {
    const payload = new PayloadWriter().string(text).u64(0).finish();
    assert.deepEqual(await ask(payload), refusal(constants.errno.ENOENT, 0));
  }
  const long = commandOf(["true"], { kept: { id: "x".repeat(102), lingerMs: 0 } });
  assert.equal((await sandbox.link.spawn(long, neverAborts())).started, false);
  await sandbox.waitUntilIdle();
});

test("offsets that no output ever had", async () => {
  const options = kept();
  const first = new Listener(await start(sandbox, ["sleep", "1000"], options));
  for (const offset of [1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n]) {
    const at = Buffer.alloc(8);
    at.writeBigUInt64LE(offset);
    const payload = Buffer.concat([new PayloadWriter().string(options.kept.id).finish(), at]);
    assert.deepEqual(await ask(payload), refusal(constants.errno.ERANGE, 4), String(offset));
  }
  first.process.signal("TERM");
  assert.equal((await first.untilExit()).signal, "TERM", "its caller was none the wiser");
  first.process.close();
  await sandbox.waitUntilIdle();
});

/** In the sandbox, as its user: `use` has the packed address of the command's door as $door. */
const perl = (id: string, use: string): readonly string[] => [
  "perl",
  "-MSocket",
  "-e",
  `$| = 1; my $door = pack("S a*", AF_UNIX, "\\0tenki/${id}"); socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; ${use}`,
];

test("a user inside who knocks at a command's door is sent away, and stands in nobody's way", async () => {
  const options = kept();
  const first = new Listener(await start(sandbox, ["cat"], options));
  const knock = `connect($s, $door) or die "no door: $!"; syswrite $s, "\\0" x 8; print sysread($s, my $b, 9) // "$!"`;
  for (let round = 0; round < 5; round++) {
    const visitor = new Listener(await start(sandbox, perl(options.kept.id, knock)));
    await visitor.finish();
    assert.match(visitor.text(), /^(0|Connection reset by peer)$/);
  }
  const stay =
    "my @all; for (1..200) { socket(my $t, AF_UNIX, SOCK_SEQPACKET, 0); connect($t, $door); push @all, $t }";
  const crowd = new Listener(await start(sandbox, perl(options.kept.id, `${stay} print "in"; sleep 1000`)));
  await crowd.untilBytes(2);
  const second = new Listener(await attach(sandbox, options, 0));
  await assert.rejects(first.untilExit(), { kind: "unavailable" });
  await second.process.writeStdin(Buffer.from("fine"));
  second.process.closeStdin();
  await second.finish();
  assert.equal(second.text(), "fine");
  crowd.process.close();
  await sandbox.waitUntilIdle();
});

test("a user inside who puts up a door gets no caller's connection", async () => {
  const options = kept();
  const trap = `bind($s, $door) or die "$!"; listen($s, 9) or die; print "open"; accept(my $c, $s); print sysread($c, my $b, 9)`;
  const impostor = new Listener(await start(sandbox, perl(options.kept.id, trap)));
  await impostor.untilBytes(4);
  await assert.rejects(attach(sandbox, options, 0), { kind: "not_found" });
  await impostor.finish();
  assert.equal(impostor.text(), "open0", "who came went again without a word");
  const second = await sandbox.link.spawn(commandOf(["true"], options), neverAborts());
  assert.ok(second.started, "the name is free again");
  second.process.close();
  await sandbox.waitUntilIdle();
});

test("root inside who knocks and says what makes no sense is sent away, or made to wait by nobody", async () => {
  const options = kept();
  const first = new Listener(await start(sandbox, ["cat"], options));
  const say = (bytes: string) =>
    `connect($s, $door) or die "$!"; syswrite $s, ${bytes}; print sysread($s, my $b, 9) // "$!"`;
  for (const bytes of ['""', '"\\0"', '"\\0" x 8', '"\\377" x 100000']) {
    const visitor = new Listener(
      await start(sandbox, perl(options.kept.id, say(bytes)), { privileged: true }),
    );
    await visitor.finish();
    assert.match(visitor.text(), /^(0|Connection reset by peer)$/, bytes);
  }
  const silent = 'connect($s, $door) or die "$!"; print "in"; sleep 1000';
  const one = new Listener(await start(sandbox, perl(options.kept.id, silent), { privileged: true }));
  await one.untilBytes(2);
  const second = new Listener(await attach(sandbox, options, 0));
  second.process.closeStdin();
  await second.finish();
  await assert.rejects(first.untilExit(), { kind: "unavailable" });
  one.process.close();
  await sandbox.waitUntilIdle();
});

test("who comes and is gone again before the answer leaves the command to the next", async () => {
  const options = kept();
  const first = new Listener(await start(sandbox, ["cat"], options));
  first.process.detach();
  const payload = new PayloadWriter().string(options.kept.id).u64(0).finish();
  for (let round = 0; round < 30; round++) {
    const socket = connect({ path: sandbox.socketPath });
    socket.on("error", () => undefined);
    await new Promise((resolve) => socket.write(frame(request.attach, payload), resolve));
    socket.destroy();
  }
  const last = new Listener(await attach(sandbox, options, 0));
  last.process.closeStdin();
  assert.equal((await last.untilExit()).exitCode, 0);
  last.process.close();
  await sandbox.waitUntilIdle();
});
