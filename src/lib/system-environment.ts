/** The environment for system tools: ordinary users' PATHs lack sbin, and messages that are read must be in English. */
export const systemEnvironment: Readonly<Record<string, string>> = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  LC_ALL: "C",
};
