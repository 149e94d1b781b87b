import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { SshPlace } from "./support/ssh-place.js";
import { ended, Workbench } from "./support/tenki.js";

/** Says where it listens, counts who asks, and goes on until it is ended: what an editor installs on the other side. */
const editorServer = `import http.server, itertools
count = itertools.count(1)
class Handler(http.server.BaseHTTPRequestHandler):
  protocol_version = "HTTP/1.1"
  def do_GET(self):
    body = f"{next(count)} {self.path}".encode()
    self.send_response(200)
    self.send_header("content-length", str(len(body)))
    self.end_headers()
    self.wfile.write(body)
  def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"agent listening on {server.server_port}", flush=True)
server.serve_forever()
`;

/**
 * As Remote-SSH does it: a script over the stdin of a shell finds the server that runs, or has its archive copied and
 * starts it, tells its port between two marks, and stays for as long as the window is open.
 */
const installScript = `
uname -sm
home=$HOME/.editor-server
mkdir -p $home && cd $home
if ! kill -0 $(cat pid 2>/dev/null) 2>/dev/null; then
  echo "mark==needs archive=="
  while [ ! -f archive.tgz.done ]; do read -t 0.2 <> <(:) || :; done
  tar -xzf archive.tgz && rm archive.tgz archive.tgz.done
  nohup python3 bin/server.py > log 2>&1 < /dev/null & echo $! > pid
fi
until grep -q listening log; do read -t 0.2 <> <(:) || :; done
echo "mark==listening on $(sed -n 's/.* on //p' log)=="
cat > /dev/null
`;

/** What has a way of its own to be at work in a session by ssh. */
describe("work over ssh", () => {
  let bench: Workbench;
  let place: SshPlace;
  before(async () => {
    bench = await Workbench.open();
    await bench.startEngine();
    await bench.ok(["login", "--endpoint", "local"]);
    for (const name of ["other", "demo"]) await bench.ok(["sandbox", "create", "--name", name]);
    await bench.ok(["sandbox", "ssh", "config", "install"]);
    place = new SshPlace(bench);
  });
  after(async () => {
    place.close();
    await bench.close();
  });
  const local = (...names: string[]) => join(bench.home, ...names);

  async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }

  describe("an editor's window", () => {
    interface Window {
      readonly child: ChildProcess;
      readonly socksPort: number;
      /** What stands between the marks, once it is said. */
      readonly marked: (pattern: RegExp) => Promise<string>;
    }

    async function openWindow(): Promise<Window> {
      const socksPort = await freePort();
      const flags = ["-T", "-D", `127.0.0.1:${socksPort}`, "-o", "ConnectTimeout=15"];
      const child = place.start("ssh", ["-F", place.config, ...flags, "sbx-demo", "bash", "--login"]);
      let said = "";
      child.stdout?.on("data", (chunk: Buffer) => (said += chunk.toString()));
      child.stdin?.write(installScript);
      const marked = (pattern: RegExp) =>
        place.until(`${pattern}`, () =>
          Promise.resolve(new RegExp(`^mark==${pattern.source}==$`, "m").exec(said)?.[1]),
        );
      return { child, socksPort, marked };
    }

    const ask = async ({ socksPort }: Window, port: string, path: string) => {
      const target = ["--proxy", `socks5h://127.0.0.1:${socksPort}`, `http://127.0.0.1:${port}/${path}`];
      const { code, stdout } = await place.run("curl", ["-s", "--max-time", "10", ...target]);
      assert.equal(code, 0);
      return stdout;
    };

    it("installs its server over a shell, and talks to it through a SOCKS port", async () => {
      await mkdir(local("bin"));
      await writeFile(local("bin", "server.py"), editorServer);
      await place.run("tar", ["-czf", "archive.tgz", "bin/server.py"]);
      const window = await openWindow();
      await window.marked(/(needs archive)/);
      const copy = (...files: string[]) =>
        place.run("scp", ["-q", "-F", place.config, ...files]).then(({ code }) => assert.equal(code, 0));
      await copy("archive.tgz", "sbx-demo:.editor-server/archive.tgz");
      await writeFile(local("done"), "");
      await copy("done", "sbx-demo:.editor-server/archive.tgz.done");
      const port = await window.marked(/listening on (\d+)/);
      assert.equal(await ask(window, port, "one"), "1 /one");
      const many = await Promise.all(Array.from({ length: 10 }, () => ask(window, port, "many")));
      assert.equal(new Set(many).size, 10);
      window.child.kill("SIGKILL");
      await ended(window.child);
    });

    it("that was lost finds the server again, which went on", async () => {
      const window = await openWindow();
      const port = await window.marked(/listening on (\d+)/);
      assert.equal(await ask(window, port, "again"), "12 /again");
      window.child.stdin?.end();
      assert.equal(await ended(window.child), 0);
    });
  });

  it("Ansible finds python, runs a module in two sessions, and becomes root", async () => {
    const env = {
      ANSIBLE_HOME: local("ansible"),
      ANSIBLE_LOCAL_TEMP: local("ansible", "tmp"),
      ANSIBLE_SSH_CONTROL_PATH_DIR: local("ansible", "cp"),
      ANSIBLE_SSH_ARGS: `-F ${place.config} -C -o ControlMaster=auto -o ControlPersist=60s`,
      ANSIBLE_HOST_KEY_CHECKING: "True",
      ANSIBLE_NOCOLOR: "1",
    };
    const ansible = async (...words: string[]) => {
      const { code, stdout, stderr } = await place.run("ansible", ["-i", "sbx-demo,sbx-other,", ...words], {
        env,
      });
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    const pinged = await ansible("all", "-m", "ansible.builtin.ping");
    for (const host of ["sbx-demo", "sbx-other"])
      assert.match(pinged, new RegExp(`^${host} \\| SUCCESS`, "m"));
    assert.equal(pinged.match(/"ping": "pong"/g)?.length, 2);
    const root = await ansible("sbx-demo", "-b", "-m", "ansible.builtin.command", "-a", "id -un");
    assert.match(root, /^sbx-demo \| CHANGED \| rc=0 >>\nroot$/m);
    for (const name of await readdir(env.ANSIBLE_SSH_CONTROL_PATH_DIR))
      await place.ssh("-S", join(env.ANSIBLE_SSH_CONTROL_PATH_DIR, name), "-O", "exit", "its master");
  });
});
