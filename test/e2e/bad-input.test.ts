import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { assertGolden } from "./support/golden.js";
import { ended, type Outcome, Workbench } from "./support/tenki.js";

const say = ({ code, stderr }: Outcome): string => `exit code ${code}\n${stderr}`;

describe("what goes wrong around a real engine", () => {
  let bench: Workbench;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "victim"]);
  });
  after(() => bench.close());
  /** What differs from run to run is named for what it is. */
  const golden = (name: string, outcome: Outcome) =>
    assertGolden(
      `${name}.txt`,
      say(outcome)
        .replaceAll(bench.home, "HOME")
        .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
        .replaceAll(/pid \d+/g, "pid PID")
        .replaceAll("state=TERMINATING", "state=TERMINATED")
        .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID"),
    );
  const start = (...flags: string[]) => bench.call(["engine", "start", "--no-context", ...flags]);

  it("a second engine", async () => golden("second-engine", await start()));

  it("a port that is taken", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as AddressInfo;
    const outcome = await start("--data-dir", join(bench.home, "port"), "--listen", `127.0.0.1:${port}`);
    taken.close();
    golden("port-taken", outcome);
  });

  it("a data directory that is none", async () => {
    await writeFile(join(bench.home, "file"), "");
    golden("data-dir-not-writable", await start("--data-dir", join(bench.home, "file", "data")));
  });

  it("a data directory for which the kernel has no place", async () => {
    const { code, stderr } = await start("--data-dir", "/proc/nowhere");
    assert.equal(code, 1);
    assert.match(stderr, /cannot use the data directory \/proc\/nowhere/);
  });

  it("a runtime that is not there", async () =>
    golden(
      "no-runtime",
      await start(
        "--data-dir",
        join(bench.home, "rt"),
        "--listen",
        "127.0.0.1:0",
        "--oci-runtime",
        "no-such",
      ),
    ));

  it("an address that is none", async () => golden("bad-listen", await start("--listen", "somewhere")));

  it("an address that others reach", async () =>
    golden("open-listen", await start("--data-dir", join(bench.home, "open"), "--listen", "0.0.0.0:0")));

  it("a disk that is full inside, which leaves the file as it was", async () => {
    await bench.ok(["sandbox", "create", "--name", "small", "--disk-size-gb", "5"]);
    await bench.ok(["sandbox", "write", "--session", "small", "--path", "kept.txt", "--data", "kept"]);
    await bench.ok(
      [
        "sandbox",
        "exec",
        "--session",
        "small",
        "-q",
        "-c",
        "fallocate -l $(($(stat -f -c '%a * %S' .) - 4000000)) fill",
      ],
      { timeoutMs: 120_000 },
    );
    const outcome = await bench.call(["sandbox", "write", "--session", "small", "--path", "kept.txt"], {
      input: "x".repeat(8_000_000),
    });
    golden("disk-full-inside", outcome);
    assert.equal(await bench.ok(["sandbox", "read", "--session", "small", "--path", "kept.txt"]), "kept");
    assert.equal(
      await bench.ok(["sandbox", "exec", "--session", "small", "-q", "-c", "ls -A | grep -c tmp || true"]),
      "0\n",
    );
    await bench.ok(["sandbox", "terminate", "--yes", "small"]);
  });

  it("stdin that is closed", async () => {
    const outcome = await bench.call(["sandbox", "exec", "--session", "victim", "-q", "--", "cat"]);
    assert.equal(outcome.stdout, "");
    golden("stdin-closed", outcome);
  });

  it("stdout that is closed ends quietly, and ends the command", async () => {
    const child = bench.spawn([
      "sandbox",
      "exec",
      "--session",
      "victim",
      "-q",
      "-c",
      "exec yes 'a lot to say'",
    ]);
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    const over = ended(child);
    child.stdout?.destroy();
    golden("stdout-closed", { code: await over, stdout: "", stderr });
    const gone = await waitUntil(
      async () =>
        (await bench.call(["sandbox", "exec", "--session", "victim", "-q", "--", "pgrep", "-x", "yes"]))
          .code === 1
          ? true
          : undefined,
      { timeoutMs: 10_000 },
    );
    assert.ok(gone, "the command goes on");
  });

  it("stdout that is full", async () => {
    const words = ["sandbox", "get", "victim"].join(" ");
    const child = spawn("sh", ["-c", `"$0" ${words} >/dev/full`, resolve("bin/tenki")], { env: bench.env });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    golden("stdout-full", { code: await ended(child), stdout: "", stderr });
  });

  it("a file that is missing in the current session is no reason to look for another session", async () => {
    await bench.ok(["sandbox", "set", "victim"]);
    golden("file-missing-in-current", await bench.call(["sandbox", "read", "--path", "none"]));
  });

  const durations: Readonly<Record<string, readonly string[]>> = {
    "extend-negative": ["extend", "--session", "victim", "--", "-1h"],
    "extend-zero": ["extend", "0", "--session", "victim"],
    "extend-too-far": ["extend", "10000h", "--session", "victim"],
    "max-duration-too-far": ["update", "victim", "--max-duration", "721h"],
    "max-duration-negative": ["update", "victim", "--max-duration=-1h"],
    "create-max-duration-too-far": ["create", "--max-duration", "10000h"],
    "create-idle-timeout-seconds": ["create", "--idle-timeout", "90s"],
    "create-pause-retention-too-long": ["create", "--pause-retention", "10000h"],
  };
  for (const [name, words] of Object.entries(durations)) {
    it(`a duration that makes no sense: ${words.join(" ")}`, async () => {
      golden(name, await bench.call(["sandbox", ...words]));
      assert.equal((await bench.json<unknown[]>(["sandbox", "list"])).length, 1, "nothing was made");
    });
  }

  it("a session that is paused, and one that is not", async () => {
    golden("resume-of-running", await bench.call(["sandbox", "resume", "victim"]));
    await bench.ok(["sandbox", "pause", "victim"]);
    golden("pause-of-paused", await bench.call(["sandbox", "pause", "victim"]));
    const exec = ["sandbox", "exec", "--session", "victim", "--", "true"];
    golden("paused-session", await bench.call(exec));
    golden("paused-session-file", await bench.call(["sandbox", "read", "victim", "--path", "a"]));
    golden("paused-session-json", await bench.call(["sandbox", "read", "victim", "--path", "a", "--json"]));
    await bench.ok(["sandbox", "resume", "victim"]);
    assert.equal((await bench.call(exec)).code, 0);
  });

  it("a session that is terminated while a command runs in it", async () => {
    const child = bench.spawn([
      "sandbox",
      "exec",
      "--session",
      "victim",
      "-q",
      "-c",
      "echo ready; sleep 1000",
    ]);
    const over = ended(child);
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    await new Promise((resolve) => child.stdout?.once("data", resolve));
    await bench.ok(["sandbox", "terminate", "--yes", "victim"]);
    golden("session-gone", { code: await over, stdout: "", stderr });
  });

  it("a session that is over can be neither paused nor resumed", async () => {
    const [old] = await bench.json<{ id: string }[]>(["sandbox", "list", "--all"]);
    golden("pause-of-terminated", await bench.call(["sandbox", "pause", old?.id ?? ""]));
    golden("resume-of-terminated", await bench.call(["sandbox", "resume", old?.id ?? ""]));
  });

  it("a session that is over", async () => {
    const [old] = await bench.json<{ id: string }[]>(["sandbox", "list", "--all"]);
    golden("session-over", await bench.call(["sandbox", "exec", "--session", old?.id ?? "", "--", "true"]));
  });

  it("an engine that is gone", async () => {
    await bench.ok(["engine", "stop", "--terminate-sessions"]);
    golden("engine-gone", await bench.call(["sandbox", "list"]));
  });
});
