import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SessionState, sessionStates } from "../../src/domain/session.js";
import { nextState, type SessionEvent, wrongState } from "../../src/engine/core/sessions/session-states.js";
import { refused } from "./refused.js";

/** Rows: where a session is; columns: what happens to it; a dot: must not happen. */
const table = `
                 booted  pause   paused pause_failed resume   resumed resume_failed shut_down     terminate   terminated
  CREATING       RUNNING .       .      .            .        .       .             .             TERMINATING .
  RUNNING        .       PAUSING .      .            .        .       .             USER_SHUTDOWN TERMINATING .
  PAUSING        .       .       PAUSED RUNNING      .        .       .             .             TERMINATING .
  PAUSED         .       .       .      .            RESUMING .       .             .             TERMINATING .
  RESUMING       .       .       .      .            .        RUNNING PAUSED        .             TERMINATING .
  USER_SHUTDOWN  .       .       .      .            RESUMING .       .             .             TERMINATING .
  TERMINATING    .       .       .      .            .        .       .             .             .           TERMINATED
  TERMINATED     .       .       .      .            .        .       .             .             .           .
`;

describe("the states of a session", () => {
  const [events = [], ...rows] = table
    .trim()
    .split("\n")
    .map((row) => row.trim().split(/\s+/));

  it("has a row for each state", () => {
    assert.deepEqual(
      rows.map(([state]) => state),
      [...sessionStates].sort((a, b) => rows.findIndex(([s]) => s === a) - rows.findIndex(([s]) => s === b)),
    );
  });

  for (const [state, ...outcomes] of rows) {
    for (const [column, event] of events.entries()) {
      const to = outcomes[column];
      const move = () => nextState(state as SessionState, event as SessionEvent);
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

  it("tells a wrong state in the words that clients look for", () => {
    assert.equal(wrongState("PAUSED"), "session is not running (state=PAUSED)");
    assert.equal(wrongState("TERMINATED"), "session is terminated (state=TERMINATED)");
    assert.equal(wrongState("TERMINATING"), "session is terminated (state=TERMINATING)");
  });
});
