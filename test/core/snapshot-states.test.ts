import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SnapshotState, snapshotStates } from "../../src/domain/snapshot.js";
import { nextSnapshotState, type SnapshotEvent } from "../../src/engine/core/snapshots/snapshot-states.js";
import { refused } from "./refused.js";

/** Rows: where a snapshot is; columns: what happens to it; a dot: must not happen. */
const table = `
             taken  take_failed  delete    deleted
  CREATING   READY  FAILED       .         .
  READY      .      .            DELETING  .
  FAILED     .      .            DELETING  .
  DELETING   .      .            DELETING  DELETED
  DELETED    .      .            .         .
`;

describe("the states of a snapshot", () => {
  const [events = [], ...rows] = table
    .trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/));

  it("has a row for each state", () => {
    assert.deepEqual(
      rows.map(([state]) => state),
      [...snapshotStates],
    );
  });

  for (const [state, ...outcomes] of rows) {
    for (const [column, event] of events.entries()) {
      const to = outcomes[column];
      const move = () => nextSnapshotState(state as SnapshotState, event as SnapshotEvent);
      if (to === ".") {
        it(`refuses ${event} in ${state}, and names both`, () => {
          assert.throws(move, refused("failed_precondition", `state=${state}`));
          assert.throws(move, refused("failed_precondition", event));
        });
      } else {
        it(`goes from ${state} by ${event} to ${to}`, () => assert.equal(move(), to));
      }
    }
  }
});
