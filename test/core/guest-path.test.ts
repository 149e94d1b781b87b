import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  resolveGuestPath,
  resolvePathBelowHome,
  resolveWorkingDirectory,
} from "../../src/engine/core/files/guest-path.js";
import { refused } from "./refused.js";

describe("a path inside a sandbox", () => {
  const inside: Readonly<Record<string, string>> = {
    a: "/home/tenki/a",
    "a/b/../c": "/home/tenki/a/c",
    "./a//b/": "/home/tenki/a/b",
    "/home/tenki/a": "/home/tenki/a",
    "../tenki/a": "/home/tenki/a",
    "..a/...": "/home/tenki/..a/...",
    "~": "/home/tenki/~",
    "a\nb": "/home/tenki/a\nb",
    "": "/home/tenki",
    ".": "/home/tenki",
    "/home/tenki/": "/home/tenki",
  };
  const outside = [
    "..",
    "../x",
    "/",
    "/etc/passwd",
    "a/../../x",
    "/home",
    "/home/tenkix",
    "/home/tenki/../tenkix",
    "/home/tenki/../../etc",
    "//etc",
  ];

  for (const [path, absolute] of Object.entries(inside)) {
    it(`${JSON.stringify(path)} is ${JSON.stringify(absolute)}`, () => {
      assert.equal(resolveGuestPath(path), absolute);
    });
  }

  for (const path of outside) {
    it(`${path} is outside`, () => {
      assert.throws(
        () => resolveGuestPath(path),
        refused("permission_denied", "path is outside /home/tenki"),
      );
      assert.throws(() => resolvePathBelowHome(path), refused("permission_denied", "path is outside"));
    });
  }

  it("cannot hold a NUL byte", () => {
    for (const path of ["\0", "a\0/../../etc", "/home/tenki/a\0"]) {
      assert.throws(() => resolveGuestPath(path), refused("invalid_argument", "NUL"));
      assert.throws(() => resolvePathBelowHome(path), refused("invalid_argument", "NUL"));
    }
  });

  it("is not the home directory itself where that would be replaced or removed", () => {
    for (const path of ["", ".", "/home/tenki", "a/..", "/home/tenki/."]) {
      assert.throws(() => resolvePathBelowHome(path), refused("permission_denied", "/home/tenki itself"));
    }
    assert.equal(resolvePathBelowHome("a"), "/home/tenki/a");
  });

  it("is told in an error that fits a header", () => {
    const long = `/${"a".repeat(100_000)}`;
    assert.throws(
      () => resolveGuestPath(long),
      (error: Error) => error.message.length < 1_000,
    );
  });

  it("as a working directory may be anywhere inside", () => {
    assert.equal(resolveWorkingDirectory(""), "/home/tenki");
    assert.equal(resolveWorkingDirectory("src"), "/home/tenki/src");
    assert.equal(resolveWorkingDirectory("/etc"), "/etc");
    assert.equal(resolveWorkingDirectory("../.."), "/");
  });
});
