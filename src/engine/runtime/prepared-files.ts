import type { SandboxFile, SandboxSpec } from "../core/ports/runtime.js";

/** The files that tell a sandbox who and where it is, written by its pid 1 before it is announced. */
export function preparedFiles(
  spec: Pick<SandboxSpec, "environment" | "network" | "files">,
  hostname: string,
): SandboxFile[] {
  return [
    forAll("/etc/hostname", `${hostname}\n`),
    forAll("/etc/hosts", hostsFile(hostname, spec.network.address)),
    forAll("/etc/resolv.conf", resolverFile(spec.network.nameservers)),
    forAll("/etc/environment", environmentFile(spec.environment)),
    ...spec.files,
  ];
}

const forAll = (path: string, content: string): SandboxFile => ({
  path,
  content,
  mode: 0o644,
});

const hostNameBytesMax = 63;

/** A session's name as the name of a machine: the same where it can be. */
export function toHostname(name: string): string {
  const fitting = name.replace(/[^A-Za-z0-9.-]+/g, "-").slice(0, hostNameBytesMax);
  return fitting.replace(/^[-.]+|[-.]+$/g, "") || "sandbox";
}

function hostsFile(hostname: string, address: string | undefined): string {
  const own = hostname === "localhost" ? [] : [`${address ?? "127.0.1.1"}\t${hostname}`];
  return ["127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", ...own, ""].join("\n");
}

/** Without a server the file is there all the same: resolvers then ask 127.0.0.1, which refuses at once. */
const resolverFile = (nameservers: readonly string[]): string =>
  nameservers.map((address) => `nameserver ${address}\n`).join("");

/** For PAM and for shells that read it. A value with a line break cannot be told there: commands get it all the same. */
function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .filter(([, value]) => !/[\n\r\0]/.test(value))
    .map(([name, value]) => `${name}=${quote(value)}\n`)
    .join("");
}

function quote(value: string): string {
  if (/^[\w./:@%+,-]*$/.test(value)) return value;
  return value.includes("'") ? `"${value}"` : `'${value}'`;
}
