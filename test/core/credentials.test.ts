import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Credentials } from "../../src/engine/core/access/credentials.js";
import { MemoryStore } from "../../src/engine/store/memory-store.js";
import { FakeClock } from "./fake-clock.js";
import { refused } from "./refused.js";
import { minuteMs } from "./workbench.js";

const one = "00000000-0000-4000-8000-000000000001";
const two = "00000000-0000-4000-8000-000000000002";
const notValid = refused("unauthenticated", "is not valid");

describe("data-plane credentials", () => {
  let store: MemoryStore;
  let clock: FakeClock;
  let credentials: Credentials;
  beforeEach(() => {
    store = new MemoryStore();
    clock = new FakeClock();
    credentials = new Credentials(store, clock);
  });

  it("name the session that they are good for", () => {
    assert.equal(credentials.verify(credentials.issue(one).credential), one);
    assert.equal(credentials.verify(credentials.issue(two).credential), two);
  });

  it("cannot be carried over to another session", () => {
    const { credential } = credentials.issue(one);
    assert.throws(() => credentials.verify(credential.replace(one, two)), notValid);
  });

  it("expire", async () => {
    const { credential, expiresAt } = credentials.issue(one);
    assert.equal(expiresAt.getTime() - clock.now().getTime(), 15 * minuteMs);
    await clock.advance(15 * minuteMs - 1);
    assert.equal(credentials.verify(credential), one);
    await clock.advance(1);
    assert.throws(() => credentials.verify(credential), refused("unauthenticated", "has expired"));
  });

  it("cannot be given more time", () => {
    const { credential, expiresAt } = credentials.issue(one);
    const later = credential.replace(String(expiresAt.getTime()), String(expiresAt.getTime() + 1));
    assert.throws(() => credentials.verify(later), notValid);
  });

  it("are refused when any one character of them is another", () => {
    const { credential } = credentials.issue(one);
    for (const [index, character] of credential.split("").entries()) {
      for (const other of ["A", "0", "_", "."].filter((one) => one !== character)) {
        const tampered = credential.slice(0, index) + other + credential.slice(index + 1);
        assert.throws(() => credentials.verify(tampered), notValid, tampered);
      }
    }
  });

  it("are refused in any other shape", () => {
    const { credential } = credentials.issue(one);
    const shapes = ["", ".", "...", "tsc1...", credential.slice(0, -1), `${credential}A`, `${credential}.x`];
    for (const shape of [
      ...shapes,
      `${credential}=`,
      ` ${credential}`,
      `${credential}\n`,
      credential.slice(5),
    ]) {
      assert.throws(() => credentials.verify(shape), notValid, shape);
    }
  });

  it("have one shape, which fits a header", () => {
    const { credential } = credentials.issue(one);
    assert.match(credential, /^tsc1\.[0-9a-f-]{36}\.\d{13}\.[\w-]{43}$/);
    assert.equal(credentials.issue(two).credential.length, credential.length);
  });

  it("are good after a restart, and with another engine never", () => {
    const { credential } = credentials.issue(one);
    assert.equal(new Credentials(store, clock).verify(credential), one);
    assert.throws(() => new Credentials(new MemoryStore(), clock).verify(credential), notValid);
  });
});
