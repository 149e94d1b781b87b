import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { executionStates } from "../../src/domain/execution.js";
import {
  eventOf,
  type ExecutionEvent,
  nextExecutionState,
} from "../../src/engine/core/executions/execution-states.js";
import { refused } from "./refused.js";

const outcomes: Readonly<Record<ExecutionEvent, string>> = {
  succeeded: "SUCCEEDED",
  failed: "FAILED",
  timed_out: "TIMED_OUT",
  lost: "LOST",
};

describe("the states of an execution", () => {
  for (const state of executionStates) {
    for (const [event, after] of Object.entries(outcomes) as [ExecutionEvent, string][]) {
      it(`${state}, ${event}`, () => {
        if (state === "RUNNING") assert.equal(nextExecutionState(state, event), after);
        else
          assert.throws(
            () => nextExecutionState(state, event),
            refused(
              "failed_precondition",
              `execution has ended (state=${state}): it cannot be "${event}" then`,
            ),
          );
      });
    }
  }

  it("follow from how the command ended", () => {
    const exit = { exitCode: 0, timedOut: false, durationMs: 1, reason: "exit" };
    assert.equal(eventOf(exit), "succeeded");
    assert.equal(eventOf({ ...exit, exitCode: 3 }), "failed");
    assert.equal(eventOf({ ...exit, signal: "TERM" }), "failed");
    assert.equal(eventOf({ ...exit, exitCode: 137, signal: "KILL", timedOut: true }), "timed_out");
  });
});
