import test from "node:test";
import assert from "node:assert/strict";
import { MemoryService } from "./support/memory-service.js";
import { TestWorld } from "./support/test-io.js";
test("smoke", async () => {
  await using service = await MemoryService.start();
  await using world = await TestWorld.open({
    TENKI_API_KEY: "tk_good",
    TENKI_API_ENDPOINT: service.endpoint,
  });
  const show = async (args: string[], o = {}) => {
    const r = await world.call(args, o);
    console.log("$", args.join(" "), "->", r.code);
    console.log(r.stdout);
    console.log(r.stderr);
  };
  await show(["sandbox", "create", "--name", "demo"]);
  await show(["sandbox", "list"]);
  await show(["sandbox", "get", "-o", "yaml"]);
  await show(["sandbox", "exec", "-c", "echo out; echo err >&2; exit 7"]);
  await show(["sandbox", "exec", "--json", "-c", "echo out; echo err >&2; exit 7"]);
  await show(["sandbox", "exec", "--timeout", "200ms", "--", "sleep", "10"]);
  await show(["sandbox", "exec", "--", "nope"]);
  await show(["sandbox", "exec", "--", "cat"], { input: "hello" });
  await show(["sandbox", "write", "--path", "a.txt", "--data", "hi"]);
  await show(["sandbox", "read", "--path", "a.txt"]);
  await show(["sandbox", "read", "--path", "/etc/passwd"]);
  await show(["sandbox", "fs", "ls"]);
  await show(["sandbox", "fs", "mv", "a.txt", "b.txt"]);
  await show(["sandbox", "fs", "stat", "b.txt"]);
  await show(["sandbox", "cp", "-r", "demo:", "out"]);
  await show(["sandbox", "cp", "demo:b.txt", "out"]);
  await show(["sandbox", "cp", "-r", "/work/main/src/domain", "demo:"]);
  await show(["sandbox", "fs", "ls", "domain"]);
  await show(["sandbox", "terminate"]);
  await show(["status"]);
  await show(["whoami"]);
  await show(["config", "list"]);
  assert.ok(true);
});
