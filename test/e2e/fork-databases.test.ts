import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { initdb, postgres, programs, psql } from "./support/postgresql.js";
import { SnapshotBench } from "./support/snapshot-bench.js";

/** Writes as fast as it can, each row in a transaction of its own, and never stops. */
const sqliteWriter = `
import sqlite3
base = sqlite3.connect("numbers.db", isolation_level=None)
base.execute("pragma journal_mode = wal")
base.execute("create table if not exists t (n integer primary key, word text)")
n = 0
while True:
    n += 1
    base.execute("begin")
    base.execute("insert into t values (?, ?)", (n, "x" * (n % 900)))
    base.execute("commit")
`;

/** Every number up to the last is there, and the file is whole. */
const sqliteCheck = `
import sqlite3
base = sqlite3.connect("numbers.db")
print(base.execute("pragma integrity_check").fetchone()[0])
count, last = base.execute("select count(*), max(n) from t").fetchone()
print(count == last and count > 100)
`;

const quote = (argv: readonly string[]) => argv.map((word) => `'${word}'`).join(" ");

/** With what a database says of itself: on the copy of a disk that it was writing to. */
describe("a fork of a session in which databases write", () => {
  let bench: SnapshotBench;
  before(async () => {
    bench = await SnapshotBench.open();
    await bench.session("writing");
  });
  after(() => bench.tenki.close());
  const write = (path: string, data: string) =>
    bench.tenki.ok(["sandbox", "write", "writing", "--path", path, "--data", data]);
  const begin = (line: string) =>
    bench.tenki.ok(["sandbox", "exec", "-d", "--session", "writing", "-c", line]);

  it("has a SQLite database that is whole, again and again", async () => {
    await write("writer.py", sqliteWriter);
    await write("check.py", sqliteCheck);
    await begin("exec python3 writer.py");
    const count =
      "python3 -c \"import sqlite3; print(sqlite3.connect('numbers.db').execute('select count(*) from t').fetchone()[0])\"";
    await bench.until("writing", count, /^\d{4,}/);
    for (let round = 1; round <= 3; round += 1) {
      const name = `forked-${round}`;
      await bench.tenki.ok(["sandbox", "fork", "writing", "--name", name]);
      assert.equal(await bench.shell(name, "python3 check.py"), "ok\nTrue\n");
      await bench.end(name);
    }
    const [before, later] = [await bench.shell("writing", count), await bench.shell("writing", count)];
    assert.ok(Number(later) > Number(before), "the session does not go on");
    await bench.shell("writing", "pkill -f '[w]riter.py'");
  });

  it("has a PostgreSQL database that recovers, and finds nothing amiss", async () => {
    await bench.shell("writing", `${quote(initdb("data"))} >/dev/null`);
    const [program = "", ...flags] = postgres("data", 5432, "/tmp");
    const durable = [program, ...flags.filter((flag) => flag !== "-F")]; // it syncs, as one does that is not a test's
    await begin(`exec ${quote(durable)}`);
    const ask = (session: string, query: string) =>
      bench.shell(session, quote(psql("127.0.0.1", 5432, query)));
    await bench.until("writing", quote(psql("127.0.0.1", 5432, "select 1")), /^1\n/);
    const pgbench = `${programs}/pgbench -h 127.0.0.1 -U postgres`;
    await bench.shell("writing", `${pgbench} -i -q -s 2 postgres 2>&1`);
    await begin(`exec ${pgbench} -n -c 4 -T 600 postgres`);
    await bench.until(
      "writing",
      quote(psql("127.0.0.1", 5432, "select count(*) > 200 from pgbench_history")),
      /^t\n/,
    );
    await bench.tenki.ok(["sandbox", "fork", "writing", "--name", "recovered"]);
    const server = quote(durable);
    await bench.shell("recovered", `nohup ${server} >server.log 2>&1 </dev/null &`);
    await bench.until("recovered", quote(psql("127.0.0.1", 5432, "select 1")), /^1\n/);
    assert.match(
      await bench.shell("recovered", "cat server.log"),
      /database system was not properly shut down; automatic recovery/,
    );
    const balance =
      "select (select sum(abalance) from pgbench_accounts) = (select coalesce(sum(delta), 0) from pgbench_history)";
    assert.equal(await ask("recovered", balance), "t\n");
    const check = `${programs}/pg_amcheck -h 127.0.0.1 -U postgres --install-missing --heapallindexed --parent-check postgres && echo whole`;
    assert.equal(await bench.shell("recovered", check), "whole\n");
    assert.notEqual(await ask("writing", "select count(*) from pgbench_history"), "0\n");
  });
});
