import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disks } from "../../../src/engine/core/ports/disks.js";
import type { SnapshotDisks } from "../../../src/engine/core/ports/snapshot-disks.js";
import { refused } from "../../core/refused.js";

export interface SnapshotParts {
  readonly disks: Disks;
  readonly snapshots: SnapshotDisks;
}

const size = 64 * 2 ** 20;

/** What every pair of adapters for disks and their snapshots has to do; each test gets a pair of its own. */
export function testSnapshotContract(name: string, open: () => Promise<SnapshotParts>): void {
  test(`${name}: one that was taken serves disks, until it is removed, and they stay`, async () => {
    const { disks, snapshots } = await open();
    const original = await disks.allocate(size);
    const { sizeBytes } = await snapshots.take("one", original.handle);
    assert.ok(sizeBytes > 0, `${sizeBytes}`);
    await snapshots.persist("one");
    await disks.release(original.handle);
    const made = await Promise.all([disks.allocate(size, "one"), disks.allocate(size, "one")]);
    assert.equal(new Set(made.map(({ handle }) => handle)).size, 2);
    await snapshots.remove("one");
    await snapshots.remove("one");
    for (const { handle, directory } of made) assert.equal((await disks.reopen(handle)).directory, directory);
    await assert.rejects(disks.allocate(size, "one"), refused("data_loss", "snapshot are gone"));
    for (const { handle } of made) await disks.release(handle);
  });

  test(`${name}: there is none of a disk that is not there`, async () => {
    const { disks, snapshots } = await open();
    await assert.rejects(snapshots.take("one", "000000000000"), refused("data_loss", "disk is gone"));
    await assert.rejects(disks.allocate(size, "one"), refused("data_loss", "snapshot are gone"));
    await assert.rejects(
      snapshots.export("one", new AbortController().signal),
      refused("data_loss", "snapshot are gone"),
    );
    await snapshots.remove("never-taken");
  });

  test(`${name}: it goes out as a tar`, async () => {
    const { disks, snapshots } = await open();
    const { handle } = await disks.allocate(size);
    await snapshots.take("one", handle);
    const blocks: Uint8Array[] = [];
    for await (const block of await snapshots.export("one", new AbortController().signal)) {
      blocks.push(block as Uint8Array);
    }
    const tar = Buffer.concat(blocks);
    assert.ok(tar.length >= 1_024 && tar.length % 512 === 0, `${tar.length} bytes`);
    assert.ok(
      tar.subarray(-1_024).every((byte) => byte === 0),
      "it has an end",
    );
    await snapshots.remove("one");
    await disks.release(handle);
  });

  test(`${name}: a start keeps what is somebody's`, async () => {
    const { disks, snapshots } = await open();
    const { handle } = await disks.allocate(size);
    await snapshots.take("kept", handle);
    await snapshots.take("lost", handle);
    await snapshots.sweep(new Set(["kept"]));
    await assert.rejects(disks.allocate(size, "lost"), refused("data_loss", "snapshot are gone"));
    const made = await disks.allocate(size, "kept");
    for (const each of [handle, made.handle]) await disks.release(each);
    await snapshots.sweep(new Set());
  });
}
