import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench } from "./support/tenki.js";

/** `exec -t` as a person sees it: in a real terminal, driven through tmux. */
describe("exec -t in a terminal", () => {
  let bench: Workbench;
  const socket = `tenki-test-${process.pid}`;
  const tmux = (...args: string[]) =>
    runProcess(["tmux", "-L", socket, ...args], { env: { ...bench.env, TERM: "xterm-256color" } });
  const screen = () => tmux("capture-pane", "-p", "-t", "main");
  const type = (text: string) => tmux("send-keys", "-t", "main", "-l", text);
  const press = (key: string) => tmux("send-keys", "-t", "main", key);

  async function shows(pattern: RegExp): Promise<void> {
    const seen = await waitUntil(async () => (pattern.test(await screen()) ? true : undefined), {
      timeoutMs: 20_000,
      intervalMs: 20,
    });
    assert.ok(seen, `not on the screen: ${pattern}\n${await screen()}`);
  }

  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "term"]);
    await tmux(
      "-f",
      "/dev/null",
      "new-session",
      "-d",
      "-s",
      "main",
      "-x",
      "100",
      "-y",
      "30",
      "env",
      ...Object.entries(bench.env).map(([key, value]) => `${key}=${value}`),
      "PS1=local> ",
      "sh",
    );
    await shows(/local>/);
  });
  after(async () => {
    await tmux("kill-server").catch(() => undefined);
    await bench.close();
  });

  it("gives a shell with the terminal's size, follows a resize, and restores the terminal", async () => {
    await type(`${process.execPath} ${resolve("bin/tenki")} sandbox exec -t -q -- bash --norc`);
    await press("Enter");
    await shows(/bash-[\d.]+\$/);
    await type("stty size; tty; echo term=$TERM");
    await press("Enter");
    await shows(/^30 100$/m);
    await shows(/^\/dev\/pts\/\d+$/m);
    await tmux("resize-window", "-t", "main", "-x", "90", "-y", "25");
    const resized = await waitUntil(
      async () => {
        await press("C-l");
        await type("stty size");
        await press("Enter");
        return /^25 90$/m.test(await screen()) ? true : undefined;
      },
      { timeoutMs: 20_000, intervalMs: 100 },
    );
    assert.ok(resized, `the size did not follow\n${await screen()}`);
    await press("C-l");
    await type("sleep 1000");
    await press("Enter");
    await press("C-c");
    await type("echo still $((40+2))");
    await press("Enter");
    await shows(/^still 42$/m);
    await type("exit 5");
    await press("Enter");
    await shows(/local>\s*$/);
    await type("echo code=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon | sort | tr '\\n' ' '");
    await press("Enter");
    await shows(/^code=5$/m);
    await shows(/^echo icanon/m);
  });
});
