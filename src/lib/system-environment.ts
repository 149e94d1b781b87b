const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The environment for system tools: ordinary users' PATHs lack sbin, and messages that are read must be in English. */
export const systemEnvironment: Readonly<Record<string, string>> = {
  PATH: systemPath,
  LC_ALL: "C",
};

/** A PATH with the system's own directories behind it. */
export const withSystemPath = (path: string | undefined): string =>
  path === undefined || path === "" ? systemPath : `${path}:${systemPath}`;
