/**
 * What a sandbox gets of the host's /etc: how programs of its /usr are set up, and nothing about this
 * machine, its users and its secrets. A `*` stands for any rest of the last name. Everything else stays
 * out, and so does what not everybody on the host may read.
 */
export const allowedEtc: readonly string[] = [
  // How programs find each other, and libraries.
  "alternatives",
  "ld.so.cache",
  "ld.so.conf",
  "ld.so.conf.d",
  "mime.types",
  "mailcap",
  "mailcap.order",
  "magic",
  "magic.mime",
  // Certificates to trust; no private keys.
  "ca-certificates",
  "ca-certificates.conf",
  "ssl/certs",
  "ssl/openssl.cnf",
  // Shells and terminals.
  "bash.bashrc",
  "bash_completion",
  "bash_completion.d",
  "inputrc",
  "nanorc",
  "profile",
  "profile.d",
  "shells",
  "skel",
  "terminfo",
  "vim",
  "zsh",
  // What the system is, its language and its time.
  "debian_version",
  "default/locale",
  "default/useradd",
  "issue",
  "issue.net",
  "locale.alias",
  "locale.conf",
  "locale.gen",
  "localtime",
  "lsb-release",
  "os-release",
  "timezone",
  // Names and numbers of the network at large.
  "gai.conf",
  "host.conf",
  "networks",
  "protocols",
  "rpc",
  "services",
  // Users and what they may do; who they are is in accounts.ts.
  "adduser.conf",
  "deluser.conf",
  "login.defs",
  "pam.conf",
  "pam.d",
  "security",
  // Packages.
  "apt",
  "debconf.conf",
  "dpkg",
  "ucf.conf",
  // Programming languages and tools.
  "fonts",
  "gdb",
  "gprofng.rc",
  "groff",
  "java*",
  "manpath.config",
  "maven*",
  "mke2fs.conf",
  "perl",
  "php*",
  "postgresql-common",
  "python*",
  "R",
  "sgml",
  "texmf",
  "wgetrc",
  "xml",
];

/** Within what is allowed: credentials, and rules for this host's own users that would not hold inside. */
export const refusedEtc: readonly string[] = [
  "apt/auth.conf",
  "apt/auth.conf.d",
  "security/limits.conf",
  "security/limits.d",
  "security/opasswd",
  ...["account", "auth", "password", "session", "session-noninteractive"].map(
    (name) => `pam.d/common-${name}`,
  ),
];

/** Of /var: which packages the /usr holds, so that more can be installed. */
export const allowedVar: readonly string[] = [
  "lib/dpkg",
  "lib/apt/extended_states",
  "lib/pam",
  "lib/python",
  "lib/sgml-base",
  "lib/shells.state",
  "lib/ucf",
  "lib/xml-core",
];
