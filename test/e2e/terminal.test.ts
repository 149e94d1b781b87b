import assert from "node:assert/strict";
import { resolve } from "node:path";
import { after, before, describe, it } from "node:test";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Workbench } from "./support/tenki.js";
import { Tmux } from "./support/tmux.js";

/** `exec -t` as a person sees it: in a real terminal, driven through tmux. */
describe("exec -t in a terminal", () => {
  let bench: Workbench;
  let tmux: Tmux;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "term"]);
    tmux = await Tmux.open(bench.env);
  });
  after(async () => {
    await tmux.close();
    await bench.close();
  });

  it("gives a shell with the terminal's size, follows a resize, and restores the terminal", async () => {
    await tmux.type(`${process.execPath} ${resolve("bin/tenki")} sandbox exec -t -q -- bash --norc`);
    await tmux.press("Enter");
    await tmux.shows(/bash-[\d.]+\$/);
    await tmux.type("stty size; tty; echo term=$TERM");
    await tmux.press("Enter");
    await tmux.shows(/^30 100$/m);
    await tmux.shows(/^\/dev\/pts\/\d+$/m);
    await tmux.resize(90, 25);
    const resized = await waitUntil(
      async () => {
        await tmux.press("C-l");
        await tmux.type("stty size");
        await tmux.press("Enter");
        return /^25 90$/m.test(await tmux.screen()) ? true : undefined;
      },
      { timeoutMs: 20_000, intervalMs: 100 },
    );
    assert.ok(resized, `the size did not follow\n${await tmux.screen()}`);
    await tmux.press("C-l");
    await tmux.type("sleep 1000");
    await tmux.press("Enter");
    await tmux.press("C-c");
    await tmux.type("echo still $((40+2))");
    await tmux.press("Enter");
    await tmux.shows(/^still 42$/m);
    await tmux.type("exit 5");
    await tmux.press("Enter");
    await tmux.shows(/local>\s*$/);
    await tmux.type(
      "echo code=$?; stty -a | tr ' ;' '\\n\\n' | grep -x -e echo -e icanon | sort | tr '\\n' ' '",
    );
    await tmux.press("Enter");
    await tmux.shows(/^code=5$/m);
    await tmux.shows(/^echo icanon/m);
  });
});
