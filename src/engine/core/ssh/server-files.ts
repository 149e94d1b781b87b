import type { SandboxFile } from "../ports/runtime.js";
import { acceptedPrincipals, sessionPrincipal } from "./principals.js";

/** On a tmpfs of the sandbox's own. */
const directory = "/run/tenki/ssh";
export const serverConfigPath = `${directory}/sshd_config`;

export interface ServerFiles {
  readonly sessionId: string;
  /** Whom the connection comes from; undefined: that is not known. */
  readonly clientAddress: string | undefined;
  readonly hostPrivateKey: string;
  /** Public keys of those whose certificates are taken. */
  readonly authorities: readonly string[];
  readonly authorizedKeys: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Lines that this machine's sshd needs besides. */
  readonly settings: readonly string[];
}

/** Who may log in: the session's user, and root. */
export const loginNames = ["tenki", "root"] as const;

/** What sshd of one session is started with. */
export function serverFiles(server: ServerFiles): SandboxFile[] {
  return [
    { path: serverConfigPath, content: configuration(server), mode: 0o600 },
    { path: `${directory}/host_key`, content: server.hostPrivateKey, mode: 0o600 },
    // These are read by sshd as the user who logs in.
    { path: `${directory}/authorities`, content: lines(server.authorities), mode: 0o644 },
    { path: `${directory}/principals`, content: lines([sessionPrincipal(server.sessionId)]), mode: 0o644 },
    { path: principalsPath(server), content: lines(acceptedPrincipals(server)), mode: 0o644 },
    { path: `${directory}/authorized_keys`, content: lines(server.authorizedKeys), mode: 0o644 },
    // So that the directory is there which sshd shuts itself up in before a login.
    { path: "/run/sshd/.keep", content: "", mode: 0o600 },
  ];
}

/** A file for each address: what one connection may name is nothing to another that begins at the same moment. */
export const principalsPath = ({ clientAddress = "none" }: Pick<ServerFiles, "clientAddress">): string =>
  `${directory}/principals-${Buffer.from(clientAddress).toString("hex")}`;

const configuration = ({ environment, settings }: ServerFiles): string =>
  lines([...fixedSettings, ...settings, `SetEnv ${environmentWords(environment).join(" ")}`]);

const fixedSettings: readonly string[] = [
  `HostKey ${directory}/host_key`,
  `TrustedUserCAKeys ${directory}/authorities`,
  `AuthorizedPrincipalsFile ${directory}/principals`,
  `AuthorizedKeysFile ${directory}/authorized_keys .ssh/authorized_keys`,
  `AllowUsers ${loginNames.join(" ")}`,
  "PermitRootLogin prohibit-password",
  "AuthenticationMethods publickey",
  "PasswordAuthentication no",
  "KbdInteractiveAuthentication no",
  // Its stacks would be the image's.
  "UsePAM no",
  "LoginGraceTime 60",
  // An editor opens many at once; the sandbox's own limit of processes is what holds.
  "MaxSessions 100",
  // The bridge cannot tell a client that is gone from one that is silent.
  "ClientAliveInterval 300",
  "ClientAliveCountMax 3",
  "AllowTcpForwarding yes",
  "AllowStreamLocalForwarding yes",
  "StreamLocalBindUnlink yes",
  "X11Forwarding no",
  "PermitTunnel no",
  "PermitUserEnvironment no",
  "AcceptEnv LANG LC_*",
  "Subsystem sftp internal-sftp",
  "PrintMotd no",
  "PrintLastLog no",
  "UseDNS no",
  "PidFile none",
  "LogLevel VERBOSE",
];

/** On one line: of several that set variables, sshd takes the first. It has no way to tell a line break. */
const environmentWords = (environment: Readonly<Record<string, string>>): string[] =>
  Object.entries(environment)
    .filter(([, value]) => !/[\r\n\0]/.test(value))
    .map(([name, value]) => `"${name}=${value.replace(/["\\]/g, "\\$&")}"`);

const lines = (some: readonly string[]): string => some.map((line) => `${line}\n`).join("");
