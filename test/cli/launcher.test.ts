import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { version } from "../../src/domain/version.js";
import { runProcess, tryProcess } from "../../src/lib/process.js";

/** The built launcher, as it is typed. */
describe("bin/tenki", () => {
  let directory: string;
  before(async () => void (directory = await mkdtemp(join(tmpdir(), "tenki-bin-"))));
  after(() => rm(directory, { recursive: true }));
  const env = { PATH: process.env["PATH"], HOME: "/nonexistent" };
  const tenki = (...args: string[]) => tryProcess([process.execPath, "bin/tenki", ...args], { env });

  it("has the version of the package", async () => {
    const { version: packaged } = JSON.parse(await readFile("package.json", "utf8")) as { version: string };
    assert.equal(version, packaged);
    for (const word of ["--version", "version"]) {
      assert.deepEqual(await tenki(word), { exitCode: 0, stdout: `tenki version ${version}\n`, stderr: "" });
    }
  });

  it("runs the command line and ends with its code", async () => {
    assert.match((await tenki("sandbox", "--help")).stdout, /^Usage: tenki sandbox/);
    assert.equal((await tenki("frobnicate")).exitCode, 2);
  });

  it("is found through a link, from anywhere", async () => {
    await symlink(join(process.cwd(), "bin", "tenki"), join(directory, "tenki"));
    const said = await runProcess([join(directory, "tenki"), "config", "path"], { env, cwd: "/" });
    assert.equal(said, "/nonexistent/.config/tenki/config.yaml\n");
  });

  it("keeps --env-file to itself: what is in the file is not for the runtime", async () => {
    const [hook, file] = [join(directory, "hook.cjs"), join(directory, "some.env")];
    await writeFile(hook, "process.exit(77);\n");
    await writeFile(file, `NODE_OPTIONS=--require=${hook}\n`);
    const at = ["--endpoint", "http://127.0.0.1:1", "--session", "demo"];
    const exec = async (from: string) =>
      (await tryProcess(["bin/tenki", "sandbox", "exec", ...at, "--env-file", from, "--", "true"], { env }))
        .stderr;
    assert.match(await exec(file), /^error: no token/);
    assert.match(await exec(`${file}.none`), /^error: cannot use .*: no such file or directory\n/);
  });

  it("does without its code cache, and with one that is no use", async () => {
    for (const cache of [undefined, "no code cache at all"]) {
      const copy = await mkdtemp(join(directory, "copy-"));
      await cp("bin", join(copy, "bin"), { recursive: true });
      await mkdir(join(copy, "dist"));
      for (const part of ["tenki.cjs", "grpc.cjs"]) await cp(join("dist", part), join(copy, "dist", part));
      if (cache !== undefined) {
        await writeFile(join(copy, "dist", `tenki.cjs.${process.versions.v8}-${process.arch}.cache`), cache);
      }
      const said = await runProcess([process.execPath, join(copy, "bin", "tenki"), "config", "path"], {
        env,
      });
      assert.match(said, /config\.yaml\n$/);
    }
  });

  it("says what to do where nothing is built", async () => {
    await cp("bin", join(directory, "unbuilt", "bin"), { recursive: true });
    const { exitCode, stderr } = await tryProcess(
      [process.execPath, join(directory, "unbuilt", "bin", "tenki"), "status"],
      { env },
    );
    assert.deepEqual(
      { exitCode, stderr },
      { exitCode: 1, stderr: "error: tenki is not built: run npm run build\n" },
    );
  });

  it("ends quietly when nobody reads what it prints", async () => {
    for (const args of ["--version", "sandbox --help", "completion bash"]) {
      const child = spawn(
        "bash",
        ["-c", `"$0" bin/tenki ${args} | true; echo "\${PIPESTATUS[0]}"`, process.execPath],
        { env },
      );
      let said = "";
      child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
      await new Promise((resolve) => child.once("close", resolve));
      assert.equal(said, "0\n", args);
    }
  });

  it("says nothing on a closed stderr, and does not crash", async () => {
    const { exitCode } = await tryProcess(
      ["bash", "-c", '"$0" bin/tenki frobnicate 2>&-', process.execPath],
      { env },
    );
    assert.equal(exitCode, 2);
  });
});
