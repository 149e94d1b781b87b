import type { Accounts } from "./accounts.js";
import { sandboxUser } from "./accounts.js";

export interface OwnFile {
  /** Below /etc. */
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly group?: number | undefined;
}

/** The files of /etc that are ours: the host's would tell of it, or hold rules for others. */
export function ownEtc(accounts: Accounts, shadowGroup: number): OwnFile[] {
  return [
    { path: "passwd", content: accounts.passwd, mode: 0o644 },
    { path: "group", content: accounts.group, mode: 0o644 },
    { path: "shadow", content: accounts.shadow, mode: 0o640, group: shadowGroup },
    { path: "gshadow", content: accounts.gshadow, mode: 0o640, group: shadowGroup },
    { path: "subuid", content: "", mode: 0o644 },
    { path: "subgid", content: "", mode: 0o644 },
    { path: "nsswitch.conf", content: nameServices, mode: 0o644 },
    { path: "sudoers", content: sudoers, mode: 0o440 },
    { path: "sudoers.d/tenki", content: `${sandboxUser.name} ALL=(ALL:ALL) NOPASSWD: ALL\n`, mode: 0o440 },
    ...Object.entries(pamStacks).map(([name, content]) => ({ path: `pam.d/${name}`, content, mode: 0o644 })),
    { path: "security/limits.conf", content: "", mode: 0o644 },
    // Written anew in each sandbox.
    ...["environment", "hostname", "hosts", "resolv.conf"].map((path) => empty(path, 0o644)),
    // Who needs one makes one: two machines must not share it.
    empty("machine-id", 0o444),
    empty("fstab", 0o644),
  ];
}

const empty = (path: string, mode: number): OwnFile => ({ path, content: "", mode });

/** Whatever directory service the host asks, there is none to ask here. */
const nameServices = `passwd: files
group: files
shadow: files
gshadow: files
hosts: files dns
networks: files
protocols: files
services: files
ethers: files
rpc: files
`;

const sudoers = `Defaults env_reset
Defaults env_keep += "GH_TOKEN GIT_TOKEN"
Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) ALL
@includedir /etc/sudoers.d
`;

/** Debian's own stacks for a machine with nothing but local users; /etc/environment, the session's, holds for all. */
const pamStacks = {
  "common-auth": "auth required pam_unix.so nullok\n",
  "common-account": "account required pam_unix.so\n",
  "common-password": "password required pam_unix.so obscure yescrypt\n",
  "common-session": "session required pam_env.so\nsession required pam_unix.so\n",
  "common-session-noninteractive": "session required pam_env.so\nsession required pam_unix.so\n",
};
