import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { instanceIdOf, openDataDir } from "../../src/engine/instance/data-dir.js";
import { readTls } from "../../src/engine/instance/tls-files.js";
import { settleToken } from "../../src/engine/instance/token-file.js";
import { TenkiError } from "../../src/domain/error.js";

const user = process.getuid?.() ?? 0;

let directory: string;
before(() => void (directory = mkdtempSync(join(tmpdir(), "tenki-instance-"))));
after(() => rmSync(directory, { recursive: true }));

const refused = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TenkiError);
  assert.match(`${error.kind} ${error.message} ${error.hint}`, pattern);
  return true;
};

describe("the data directory", () => {
  it("is made for its owner only, and named by where it really is", () => {
    const path = join(directory, "a", "data");
    const made = openDataDir(path, user);
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.match(made.instanceId, /^[0-9a-f]{8}$/);
    symlinkSync(path, join(directory, "link"));
    assert.deepEqual(made.made, [join(directory, "a"), path]);
    assert.deepEqual(openDataDir(join(directory, "link"), user), { ...made, made: [] });
    assert.notEqual(instanceIdOf(join(directory, "other")), made.instanceId);
  });

  it("is refused where others can look into it, or it is another's", () => {
    const open = join(directory, "open");
    mkdirSync(open);
    chmodSync(open, 0o750);
    assert.throws(
      () => openDataDir(open, user),
      refused(new RegExp(`failed_precondition .*chmod 700 ${open}`)),
    );
    chmodSync(open, 0o700);
    assert.throws(() => openDataDir(open, user + 1), refused(/belongs to another user.*--data-dir/));
  });

  it("that cannot be made names the path and the reason", () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    assert.throws(
      () => openDataDir(join(file, "data"), user),
      refused(new RegExp(`${file}/data: .*no directory`)),
    );
    assert.throws(() => openDataDir(file, user), refused(new RegExp(`${file}: .*`)));
    assert.throws(() => openDataDir("/proc/tenki", user), refused(/\/proc\/tenki/));
  });
});

describe("the token", () => {
  it("is made once, kept for its owner only, and long", async () => {
    const dataDir = openDataDir(join(directory, "token"), user).path;
    const token = await settleToken(dataDir, undefined);
    assert.match(token, /^tk_[\w-]{43}$/);
    assert.equal(await settleToken(dataDir, undefined), token);
    assert.equal(statSync(join(dataDir, "token")).mode & 0o777, 0o600);
    const other = openDataDir(join(directory, "other"), user).path;
    assert.notEqual(await settleToken(other, undefined), token);
  });

  it("is a file's where one is named, and told to the command line", async () => {
    const dataDir = openDataDir(join(directory, "named"), user).path;
    const file = join(directory, "my-token");
    writeFileSync(file, "tk_my-own-token-0123456789\n");
    assert.equal(await settleToken(dataDir, file), "tk_my-own-token-0123456789");
    assert.equal(readFileSync(join(dataDir, "token"), "utf8"), "tk_my-own-token-0123456789\n");
  });

  it("of a file that holds none is refused", async () => {
    const dataDir = openDataDir(join(directory, "bad"), user).path;
    const file = join(directory, "bad-token");
    for (const text of ["", "short", "two words that are long enough", "tk_0123456789abcdef\nsecond"]) {
      writeFileSync(file, text);
      await assert.rejects(settleToken(dataDir, file), refused(/bad-token holds no token/));
    }
    await assert.rejects(
      settleToken(dataDir, join(directory, "none")),
      refused(/cannot read the token file .*none: there is no such file.*openssl/),
    );
  });
});

describe("the certificate", () => {
  it("and its key go together, and have to be what they say", () => {
    assert.equal(readTls({}), undefined);
    assert.throws(() => readTls({ tlsCert: "/c" }), refused(/usage .*--tls-cert and --tls-key/));
    const nonsense = join(directory, "nonsense.pem");
    writeFileSync(nonsense, "nonsense");
    assert.throws(
      () => readTls({ tlsCert: nonsense, tlsKey: nonsense }),
      refused(/cannot use .*nonsense\.pem/),
    );
    assert.throws(
      () => readTls({ tlsCert: "/none", tlsKey: "/none" }),
      refused(/cannot read \/none: no such file or directory/),
    );
  });
});
