import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Stands in every file that must not come into an image. */
export const secret = "s3cret-of-the-host";

const publicFiles: Readonly<Record<string, string>> = {
  "etc/os-release": 'ID=debian\nVERSION_ID="12"\n',
  "etc/passwd": [
    "root:x:0:0:Boss:/root:/usr/bin/zsh",
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin",
    "tenki:x:998:998::/opt/tenki:/bin/sh",
    "alice:x:1000:1000:Alice:/home/alice:/bin/bash",
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin",
    "+nis::::::",
    "",
  ].join("\n"),
  "etc/group": [
    "root:x:0:",
    "daemon:x:1:alice,daemon",
    "shadow:x:42:",
    "docker:x:105:alice",
    "tenki:x:998:",
    "alice:x:1000:",
    "nogroup:x:65534:",
    "",
  ].join("\n"),
  "etc/nsswitch.conf": "passwd: files ldap\nhosts: files mdns4_minimal dns myhostname\n",
  "etc/profile": "PATH=/usr/bin\n",
  "etc/pam.d/sudo": "@include common-auth\n",
  "etc/pam.d/common-auth": "auth required pam_ldap.so\n",
  "etc/security/limits.conf": "* hard nofile 2097152\n",
  "etc/ssl/certs/ca.pem": "certificate\n",
  "etc/apt/sources.list": "deb https://user:" + secret + "@packages.example.com/debian stable main\n",
  "etc/apt/apt.conf.d/proxy": `Acquire::http::Proxy "http://user:${secret}@proxy:3128";\n`,
  "etc/skel/.bashrc": "alias ll='ls -l'\n",
  "var/lib/dpkg/status": "Package: base\n",
  "var/lib/dpkg/info/base.list": "/.\n",
  "usr/bin/true": "",
  "usr/lib/libc.so": "",
};

/** Readable for everybody on the host, and still none of a sandbox's business. */
const privateFiles = [
  "etc/hostname",
  "etc/machine-id",
  "etc/hosts",
  "etc/resolv.conf",
  "etc/environment",
  "etc/fstab",
  "etc/crontab",
  "etc/npmrc",
  "etc/pip.conf",
  "etc/gitconfig",
  "etc/cloud/cloud.cfg",
  "etc/docker/daemon.json",
  "etc/kubernetes/admin.conf",
  "etc/ssh/ssh_host_ed25519_key.pub",
  "etc/systemd/system/x.service",
  "etc/sudoers.d/alice",
  "etc/apt/auth.conf.d/internal.conf",
  "home/alice/.git-credentials",
  "opt/app/.env",
  "srv/data",
  "var/lib/mysql/db",
  "var/log/syslog",
  "var/cache/debconf/config.dat",
  "var/spool/cron/alice",
];

/** By their modes. */
const closedFiles = [
  "etc/shadow",
  "etc/gshadow",
  "etc/sudoers",
  "etc/ssh/ssh_host_ed25519_key",
  "etc/ssl/private/host.key",
  "etc/ssl/certs/left-here.key",
  "etc/apt/auth.conf",
  "etc/security/opasswd",
  "etc/profile.d/token.sh",
  "root/.ssh/id_ed25519",
  "var/lib/dpkg/lock",
  "var/cache/debconf/passwords.dat",
];

/** A system tree, small, with a secret in every place that one may be in. */
export function makeHost(): string {
  const root = mkdtempSync(join(tmpdir(), "tenki-host-"));
  chmodSync(root, 0o755);
  for (const [path, content] of Object.entries(publicFiles)) write(root, path, content, 0o644);
  for (const path of privateFiles) write(root, path, secret, 0o644);
  for (const path of closedFiles) write(root, path, secret, 0o640);
  chmodSync(join(root, "etc/ssl/private"), 0o710);
  write(root, "etc/perl/closed/key", secret, 0o644);
  chmodSync(join(root, "etc/perl/closed"), 0o700);
  for (const name of ["bin", "sbin", "lib"]) symlinkSync(`usr/${name}`, join(root, name));
  symlinkSync("/usr/share/zoneinfo/Europe/Rome", join(root, "etc/localtime"));
  symlinkSync("../private/host.key", join(root, "etc/ssl/certs/link.key"));
  return root;
}

function write(root: string, path: string, content: string, mode: number): void {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
  writeFileSync(target, content);
  chmodSync(target, mode);
}
