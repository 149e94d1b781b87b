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

  const enter = (line: string) => tmux.enter(line);
  const tenki = `${process.execPath} ${resolve("bin/tenki")}`;
  const settings = "stty -g > $HOME/stty-";

  it("carries a full-screen editor, its keys and its letters", async () => {
    await enter("clear");
    await enter(`${tenki} sandbox exec -t -q -- vim -u NONE -N note.txt`);
    await tmux.shows(/~\s+~/);
    assert.ok(await tmux.onAlternateScreen());
    await tmux.type("iGrüße, 世界 €");
    await tmux.press("Enter");
    await tmux.type("second");
    await tmux.press("Escape");
    await tmux.shows(/^Grüße, 世界 €\s+second$/m);
    await tmux.resize(70, 20);
    const resized = await waitUntil(
      async () => {
        await enter(":set columns? lines?");
        const screen = await tmux.screen();
        await tmux.press("Enter"); // it asks for one behind two lines
        return /columns=70[\s\S]*lines=20/.test(screen) ? true : undefined;
      },
      { timeoutMs: 20_000, intervalMs: 100 },
    );
    assert.ok(resized, await tmux.screen());
    await tmux.press("Escape");
    await enter(":wq");
    await tmux.shows(/local>\s*$/);
    assert.equal(await tmux.onAlternateScreen(), false);
    assert.equal(await bench.ok(["sandbox", "read", "--path", "note.txt"]), "Grüße, 世界 €\nsecond\n");
  });

  it("carries htop, its keys and its size", async () => {
    await bench.ok(["sandbox", "exec", "-q", "-d", "--", "sh", "-c", "exec sleep 8642"]);
    await tmux.resize(120, 30);
    await enter("clear");
    await enter(`${tenki} sandbox exec -t -q -- htop`);
    await tmux.shows(/^.{58,64}Tasks:[^]*sleep 8642[^]*F10Quit/m);
    assert.ok(await tmux.onAlternateScreen());
    await tmux.resize(100, 24);
    await tmux.shows(/^.{48,54}Tasks:/m); // the second half begins at half of the width
    await tmux.press("F4");
    await tmux.type("8642");
    await tmux.shows(/Filter: 8642/);
    await tmux.press("Enter");
    await tmux.press("F9");
    await tmux.shows(/Send signal:/);
    await tmux.press("Enter"); // SIGTERM is what is chosen
    await tmux.press("q");
    await tmux.shows(/local>\s*$/);
    assert.equal(await tmux.onAlternateScreen(), false);
    const { code } = await bench.call(["sandbox", "exec", "-q", "--", "pgrep", "-f", "^sleep 8642"]);
    assert.equal(code, 1, "it was not ended by htop");
  });

  it("carries tmux, which has terminals of its own", async () => {
    await enter("clear");
    await enter(`${tenki} sandbox exec -t -q -- tmux -f /dev/null new-session -s inner sh`);
    await tmux.shows(/\[inner\] 0:/);
    await enter("echo in-$((40+2))");
    await tmux.shows(/^in-42$/m);
    await tmux.press("C-b");
    await tmux.type("%");
    await tmux.shows(/│/);
    await tmux.press("C-b");
    await tmux.press("d");
    await tmux.shows(/detached \(from session inner\)/);
    await tmux.shows(/local>\s*$/);
    const { stdout } = await bench.call(["sandbox", "exec", "-q", "--", "tmux", "list-panes", "-t", "inner"]);
    assert.equal(stdout.trim().split("\n").length, 2);
    await bench.ok(["sandbox", "exec", "-q", "--", "tmux", "kill-server"]);
  });

  it("leaves the terminal as it found it when the engine is killed under a full-screen program", async () => {
    await enter("clear");
    await enter(
      `${settings}before; ${tenki} sandbox exec -t -- vim -u NONE -N; echo ended $?; ${settings}after`,
    );
    await tmux.shows(/~\s+~/);
    const { pid } = await bench.json<{ pid: number }>(["engine", "status"]);
    process.kill(pid, "SIGKILL");
    await tmux.shows(/connection lost; coming back…/);
    await tmux.press("C-c");
    await tmux.shows(/^ended 130$/m);
    assert.equal(await tmux.onAlternateScreen(), false);
    assert.ok(await tmux.showsCursor());
    await enter("cmp $HOME/stty-before $HOME/stty-after && echo same $((1+1))");
    await tmux.shows(/^same 2$/m);
    await bench.startEngine();
  });

  it("has a full-screen program back when its engine is", async () => {
    await enter("clear");
    await enter(`${tenki} sandbox exec -t -q -- vim -u NONE -N back.txt`);
    await tmux.shows(/~\s+~/);
    await tmux.type("ione");
    await tmux.shows(/^one$/m);
    await bench.ok(["engine", "restart"], { timeoutMs: 120_000 });
    await tmux.type(" two");
    await tmux.shows(/^one two$/m);
    await tmux.press("Escape");
    await enter(":wq");
    await tmux.shows(/local>\s*$/);
    assert.equal(await bench.ok(["sandbox", "read", "--path", "back.txt"]), "one two\n");
  });

  it("opens a shell that stops and goes on with a job", async () => {
    await enter("clear");
    await enter(`${tenki} sandbox shell`);
    await tmux.shows(/tenki@term:~\$/);
    const inForeground = "until ps -o stat= -C sleep | grep -q +; do :; done";
    await enter("sleep 500");
    await bench.ok(["sandbox", "exec", "-q", "-c", inForeground]);
    await tmux.press("C-z");
    await tmux.shows(/Stopped\s+sleep 500/);
    await enter("jobs -l | wc -l; shopt -q login_shell && echo login $((40+2))");
    await tmux.shows(/^login 42$/m);
    await enter("fg");
    await bench.ok(["sandbox", "exec", "-q", "-c", inForeground]);
    await tmux.press("C-c");
    await enter("echo ended $?");
    await tmux.shows(/^ended 130$/m);
    await enter("exit 4");
    await tmux.shows(/local>\s*$/);
    await enter("echo code=$?");
    await tmux.shows(/^code=4$/m);
  });
});
