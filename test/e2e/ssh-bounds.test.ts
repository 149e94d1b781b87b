import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Session } from "../../src/client/index.js";
import { SshClient } from "./support/ssh.js";
import { Workbench } from "./support/tenki.js";

/** What a login by ssh is held to: by its certificate, and by the sandbox. */
describe("the bounds of a login", () => {
  let bench: Workbench;
  let ssh: SshClient;
  let session: Session;
  before(async () => {
    bench = await Workbench.open();
    ssh = new SshClient(bench, await bench.startEngine());
    ssh.env["DISPLAY"] = ":99";
    await bench.ok(["sandbox", "create", "--name", "first"]);
    session = await ssh.session("first");
    await ssh.makeKey("key", "-t", "ed25519");
    await ssh.certify(session);
    await ssh.makeKey("bound", "-t", "ed25519");
  });
  after(async () => {
    ssh.client.close();
    await bench.close();
  });

  describe("source addresses:", () => {
    const login = async (...sourceAddresses: string[]) => {
      await ssh.certify(session, "bound", { sourceAddresses });
      return ssh.run(session, "true", {}, "bound");
    };
    it("lets in from those that the certificate is for", async () => {
      for (const address of ["127.0.0.1", "127.0.0.0/8", "0.0.0.0/0"])
        assert.equal((await login("192.0.2.1", address)).code, 0, address);
    });
    it("from no other", async () => {
      for (const address of ["127.0.0.2", "10.0.0.0/8", "::1", "::/0"]) {
        const { code, stderr } = await login(address);
        assert.equal(code, 255, address);
        assert.match(stderr, /Permission denied \(publickey\)/);
      }
    });
    it("does not mix up clients that come at the same moment", async () => {
      await ssh.certify(session, "bound", { sourceAddresses: ["192.0.2.1"] });
      const logins = Array.from({ length: 6 }, (_, at) =>
        ssh.run(session, "true", {}, at % 2 ? "key" : "bound"),
      );
      const codes = (await Promise.all(logins)).map(({ code }) => code);
      assert.deepEqual(codes, [255, 0, 255, 0, 255, 0]);
    });
  });

  describe("permissions:", () => {
    const agent = ["ssh-agent", "sh", "-c", 'ssh-add -q "$0"; exec "$@"'];
    /** What is asked for, the extension that permits it, and what shows that it was not given. */
    const asked: Readonly<Record<string, readonly [extension: string, act: () => Promise<boolean>]>> = {
      "a terminal": [
        "permit-pty",
        async () => {
          const { stderr } = await ssh.run(session, "true", { flags: ["-tt"] }, "bound");
          return !/PTY allocation request failed/.test(stderr);
        },
      ],
      "an agent": [
        "permit-agent-forwarding",
        async () => {
          const flags = ["-A", "-o", "IdentityAgent=SSH_AUTH_SOCK", ...ssh.arguments(session, "bound")];
          const line = 'test -S "$SSH_AUTH_SOCK" && ssh-add -l; true';
          const seen = await ssh.tool([...agent, ssh.path("key"), "ssh", ...flags, "tenki@session", line]);
          return seen.includes("ED25519");
        },
      ],
      "a local port": [
        "permit-port-forwarding",
        async () => {
          const { stderr } = await ssh.run(session, "", { flags: ["-W", "127.0.0.1:9"] }, "bound");
          assert.match(stderr, /open failed: (connect failed|administratively prohibited)/);
          return /connect failed/.test(stderr);
        },
      ],
      "a remote port": [
        "permit-port-forwarding",
        async () => {
          const flags = ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9"];
          return (await ssh.run(session, "true", { flags }, "bound")).code === 0;
        },
      ],
    };
    for (const [what, [extension, act]] of Object.entries(asked)) {
      it(`gives ${what} to a certificate that permits it, and to no other`, async () => {
        const names = ["-I", "x", "-n", `session-${session.id}`, "-V", "-1m:+5m", "-O", "clear"];
        await ssh.sign("bound", ...names);
        assert.equal(await act(), false);
        await ssh.sign("bound", ...names, "-O", extension);
        assert.equal(await act(), true);
      });
    }

    it("gives nobody a display", async () => {
      const { stdout, stderr } = await ssh.run(session, "echo $DISPLAY", { flags: ["-Y"] });
      assert.equal(stdout, "\n");
      assert.match(stderr, /X11 forwarding request failed/);
    });
  });

  describe("the sandbox's own:", () => {
    const byExec = (line: string, ...flags: string[]) =>
      bench.ok(["sandbox", "exec", "-q", "--session", "first", ...flags, "--", "sh", "-c", line]);

    for (const user of ["tenki", "root"]) {
      it(`capabilities, filter, namespaces and cgroups hold ${user} as they hold exec`, async () => {
        const line = `grep -E '^(Cap|NoNewPrivs|Seccomp)' /proc/self/status; readlink /proc/self/ns/*; cat /proc/self/cgroup`;
        const { stdout } = await ssh.run(session, line, { user });
        assert.match(stdout, /^Seccomp:\t2$/m);
        assert.equal(stdout, await byExec(line, ...(user === "root" ? ["--user", "root"] : [])));
      });
    }

    it("limit of memory holds what a login runs, and the session goes on", async () => {
      await bench.ok(["sandbox", "create", "--name", "small", "--memory-mb", "512"]);
      const small = await ssh.session("small");
      await ssh.certify(small, "bound");
      const hog = "python3 -c 'x = bytearray(2 << 30); print(len(x))'";
      const { code, stdout } = await ssh.run(small, hog, {}, "bound");
      assert.deepEqual([code === 0, stdout], [false, ""]);
      assert.equal((await ssh.run(small, "true", {}, "bound")).code, 0);
    });
  });
});
