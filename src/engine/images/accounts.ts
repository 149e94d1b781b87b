/** Who there is in a sandbox: root, the host's system accounts, and `tenki`; nobody has a password. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
  readonly shadow: string;
  readonly gshadow: string;
}

export const sandboxUser = { name: "tenki", id: 1000, home: "/home/tenki" } as const;

/** From the host's /etc/passwd and /etc/group. */
export function sandboxAccounts(hostPasswd: string, hostGroup: string): Accounts {
  const users = withSshd([...systemUsers(hostPasswd), ownUser]);
  const names = new Set(users.map(([name]) => name));
  const groups = [...systemGroups(hostGroup, names), ownGroup];
  return {
    passwd: toText(users),
    group: toText(groups),
    // No password is `*`: a leading `!` is a locked account to some programs.
    shadow: toText(users.map(([name = ""]) => [name, "*", passwordDay, "0", "99999", "7", "", "", ""])),
    gshadow: toText(groups.map(([name = "", , , members = ""]) => [name, "*", "", members])),
  };
}

/** Whom an SSH server becomes ahead of a login; the host has it where a server is installed. */
function withSshd(users: string[][]): string[][] {
  const taken = new Set(users.map(([, , id]) => Number(id)));
  let id = 999;
  while (taken.has(id)) id -= 1;
  const sshd = ["sshd", "x", String(id), nobodyId, "", "/run/sshd", "/usr/sbin/nologin"];
  return users.some(([name]) => name === "sshd") ? users : [...users, sshd];
}

const nobodyId = "65534";

/** Some day in the past that makes no password due for a change. */
const passwordDay = "19000";

/** Those of the distribution and of packages, by Debian's ranges; and nobody. */
const isSystemId = (id: number): boolean => id < 1000 || id === 65534;

const ownId = String(sandboxUser.id);
const ownUser = [sandboxUser.name, "x", ownId, ownId, "", sandboxUser.home, "/bin/bash"];
const ownGroup = [sandboxUser.name, "x", ownId, ""];

function systemUsers(text: string): string[][] {
  const users = lines(text, 7)
    .filter(([name, , id]) => isSystemId(Number(id)) && name !== sandboxUser.name && name !== "root")
    .map(([name = "", , uid = "", gid = "", gecos = "", home = "", shell = ""]) => {
      return [name, "x", uid, gid, gecos, home, shell];
    });
  return [["root", "x", "0", "0", "root", "/root", "/bin/bash"], ...users];
}

function systemGroups(text: string, users: ReadonlySet<string | undefined>): string[][] {
  return lines(text, 4)
    .filter(([name, , id]) => isSystemId(Number(id)) && name !== sandboxUser.name)
    .map(([name = "", , gid = "", members = ""]) => {
      const kept = members.split(",").filter((member) => users.has(member) && member !== "");
      return [name, "x", gid, kept.join(",")];
    });
}

/** Lines of other services (`+`, `-`) have no number, and drop out here. */
const lines = (text: string, fields: number): string[][] =>
  text
    .split("\n")
    .map((line) => line.split(":"))
    .filter((line) => line.length === fields && /^\d+$/.test(line[2] ?? "") && !/^[+-]/.test(line[0] ?? ""));

const toText = (entries: readonly (readonly string[])[]): string =>
  entries.map((entry) => `${entry.join(":")}\n`).join("");
