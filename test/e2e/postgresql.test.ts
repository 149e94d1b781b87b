import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runProcess, tryProcess } from "../../src/lib/process.js";
import { waitUntil } from "../../src/lib/wait-until.js";
import { Lasting } from "./support/lasting.js";
import { HostPostgresql, initdb, postgres, programs, psql } from "./support/postgresql.js";
import { freePort } from "./support/tcp.js";
import { Workbench } from "./support/tenki.js";

describe("PostgreSQL", () => {
  let bench: Workbench;
  let here: HostPostgresql;
  const lasting: Lasting[] = [];
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["sandbox", "create", "--name", "db"]);
    await inside(initdb("data"));
    await bench.ok(["sandbox", "exec", "-d", "--", ...postgres("data", 5432, "/tmp")]);
    here = await HostPostgresql.start();
  });
  after(async () => {
    for (const { child } of lasting) child.kill("SIGKILL");
    await here?.remove();
    await bench.close();
  });

  const inside = (argv: readonly string[]) => bench.ok(["sandbox", "exec", "--quiet", "--", ...argv]);
  const begin = async (...args: string[]) => {
    const begun = await Lasting.begin(bench, ...args);
    lasting.push(begun);
    return begun;
  };
  /** Until the server has started, or can be reached again. */
  async function until(answer: string, ask: () => Promise<string>): Promise<void> {
    let last = "";
    const got = await waitUntil(
      async () => ((last = await ask().catch(String)) === answer ? true : undefined),
      { timeoutMs: 30_000 },
    );
    assert.ok(got, last);
  }

  it("in a sandbox is used from here through forward, by port and by socket, by many at once", async () => {
    const port = await freePort();
    const forward = await begin("forward", `${port}:5432`, "./.s.PGSQL.5432:/tmp/.s.PGSQL.5432");
    const ask = (query: string, host = "127.0.0.1", at = port) => runProcess(psql(host, at, query));
    await until("1\n", () => ask("select 1"));
    await ask("create table t as select n, md5(n::text) as word from generate_series(1, 200000) n");
    const rows = join(bench.home, "rows");
    await ask(`\\copy t to '${rows}'`);
    await ask("create table u (n int, word text)");
    await ask(`\\copy u from '${rows}'`);
    assert.equal(await ask("select count(*) from t join u using (n, word)"), "200000\n");
    assert.equal(await ask("select count(*) from u", bench.home, 5432), "200000\n");
    const common = ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres", "postgres"];
    await runProcess([join(programs, "pgbench"), "-i", "-q", ...common]);
    const load = await runProcess([join(programs, "pgbench"), "-c", "20", "-j", "2", "-t", "10", ...common]);
    assert.match(load, /number of transactions actually processed: 200\/200/);
    const wrong = await tryProcess(psql("127.0.0.1", port, "select nothing"));
    assert.match(wrong.stderr, /column "nothing" does not exist/);
    assert.equal(await forward.interrupt(), 130);
  });

  it("here is used from a sandbox through tunnel, again after the engine's restart and its own", async () => {
    const tunnel = await begin("tunnel", `127.0.0.1:${here.port}`, "--sandbox-port", "15432");
    const ask = (query: string) => inside(psql("127.0.0.1", 15_432, query));
    await until("1\n", () => ask("select 1"));
    await ask("create table t as select generate_series(1, 100000) as n");
    assert.equal((await ask("copy t to stdout")).split("\n").length, 100_001);
    await bench.ok(["engine", "restart"], { timeoutMs: 120_000 });
    await until("5000050000\n", () => ask("select sum(n) from t"));
    assert.match(tunnel.errors, /the tunnel is lost .*trying again/);
    await here.stop();
    await assert.rejects(ask("select 1"), /server closed the connection|reset/i);
    await tunnel.says(/ECONNREFUSED/);
    here.startAgain();
    await until("100000\n", () => ask("select count(*) from t"));
    assert.equal(await tunnel.interrupt(), 130);
  });
});
