import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { CredentialFiles, forgetCredentials } from "../../src/cli/config/credential-files.js";

const api = "http://127.0.0.1:8365";
const session = "0190d3c5-1111-7000-8000-000000000001";
const minute = 60_000;
const good = () => ({
  ...{ endpoint: api, credential: "tsc1.x", receivedAt: Date.now() },
  expiresAt: Date.now() + minute,
});

describe("credentials between two commands", () => {
  let directory: string;
  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), "tenki-credentials-"))));
  afterEach(() => rm(directory, { recursive: true }));
  const kept = () => join(directory, "credentials");

  it("are handed to the next, in a file that nobody else may read", async () => {
    const credential = { ...good(), hasLane: true };
    new CredentialFiles(directory, api).keep(session, credential);
    assert.deepEqual(new CredentialFiles(directory, api).load(session), { api, ...credential });
    assert.equal((await stat(join(kept(), `${session}.json`))).mode & 0o777, 0o600);
    assert.equal((await stat(kept())).mode & 0o777, 0o700);
  });

  it("are for the service that they came from, and for their time", () => {
    const files = new CredentialFiles(directory, api);
    files.keep(session, good());
    assert.equal(new CredentialFiles(directory, "http://127.0.0.1:1").load(session), undefined);
    files.keep(session, { ...good(), expiresAt: Date.now() - 1 });
    assert.equal(files.load(session), undefined);
  });

  it("do not pile up", async () => {
    const files = new CredentialFiles(directory, api);
    for (const id of ["a", "b", "c"]) files.keep(id, { ...good(), expiresAt: Date.now() - 1 });
    files.keep(session, good());
    assert.deepEqual(await readdir(kept()), [`${session}.json`]);
  });

  it("are done without where the file is no use, or cannot be written", async () => {
    const files = new CredentialFiles(directory, api);
    files.keep(session, good());
    await writeFile(join(kept(), `${session}.json`), '{"api":"');
    assert.equal(files.load(session), undefined);
    await rm(kept(), { recursive: true });
    await writeFile(kept(), "");
    files.keep(session, good());
    assert.equal(files.load(session), undefined);
  });

  it("are forgotten with the login", async () => {
    new CredentialFiles(directory, api).keep(session, good());
    forgetCredentials(directory);
    assert.deepEqual(await readdir(directory), []);
    forgetCredentials(directory);
  });
});
