import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { writeFile } from "node:fs/promises";
import { runProcess } from "../src/lib/process.js";
import { timeProcess } from "./measure.js";
import type { TenkiPeer } from "./tenki.js";

/** ssh to a session as it is set up for a user, and to the same server over a plain pipe into its namespaces. */
export interface SshPeers {
  ours(...command: string[]): Promise<number>;
  pipe(...command: string[]): Promise<number>;
  /** Copies a file into the session. */
  copy(which: "ours" | "pipe", from: string): Promise<number>;
}

const sshd = "/run/tenki/openssh/ld.so --library-path /run/tenki/openssh/lib /run/tenki/openssh/sshd";

export async function prepareSshPeers(peer: TenkiPeer, name: string): Promise<SshPeers> {
  const home = peer.env["HOME"] ?? "";
  const run = (...args: string[]) => runProcess(peer.command("sandbox", ...args), { env: peer.env });
  await run("ssh", "config", "install");
  const config = join(home, ".ssh", "config");
  await runProcess(["ssh", "-F", config, `sbx-${name}`, "true"], { env: peer.env }); // sshd's files are there
  await run("exec", "--session", name, "-q", "-d", "--", "sleep", "86400.125");
  const pid = execFileSync("pgrep", ["-n", "-f", "^sleep 86400.125$"], { encoding: "utf8" }).trim();
  const kept = join(home, ".config", "tenki");
  const files = join(kept, "ssh-certs", `sbx-${name}`);
  const piped = join(home, "pipe-config");
  await writeFile(
    piped,
    `Host sbx-${name}
  User tenki
  ProxyCommand nsenter -t ${pid} -m -u -i -n -p ${sshd} -r -i -f /run/tenki/ssh/sshd_config
  IdentityFile ${join(kept, "ssh", "id_ed25519")}
  CertificateFile ${join(files, "id_ed25519-cert.pub")}
  UserKnownHostsFile ${join(files, "known_hosts")}
  IdentitiesOnly yes
`,
  );
  const configs = { ours: config, pipe: piped };
  const ssh = (which: "ours" | "pipe", command: readonly string[]) =>
    timeProcess(["ssh", "-F", configs[which], `sbx-${name}`, ...command], peer.env);
  return {
    ours: (...command) => ssh("ours", command),
    pipe: (...command) => ssh("pipe", command),
    copy: (which, from) =>
      timeProcess(["scp", "-q", "-F", configs[which], from, `sbx-${name}:copied`], peer.env),
  };
}
