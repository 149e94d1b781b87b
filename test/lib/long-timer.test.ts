import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startDeadline } from "../../src/lib/deadline.js";
import { startTimer } from "../../src/lib/long-timer.js";

/** What the runtime's own timers count up to. */
const partMs = 2 ** 31 - 1;

describe("a timer", () => {
  it("takes its time, also past what the runtime counts to", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    let fired = 0;
    startTimer(2 * partMs + 1_000, () => fired++);
    for (const ms of [1, partMs - 1, partMs, 999]) mock.timers.tick(ms);
    assert.equal(fired, 0);
    mock.timers.tick(1);
    assert.equal(fired, 1);
  });

  it("is called off, whichever part of it runs", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const callOff = startTimer(2 * partMs, () => assert.fail("it was called off"));
    mock.timers.tick(partMs);
    callOff();
    mock.timers.tick(partMs);
  });

  it("is what a deadline waits by", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const deadline = startDeadline(2 * partMs);
    mock.timers.tick(partMs);
    assert.equal(deadline.expired(), false);
    mock.timers.tick(partMs);
    assert.equal(deadline.expired(), true);
  });
});
