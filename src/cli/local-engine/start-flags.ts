import type { StartOptions } from "../commands/engine/start.js";

/** What `engine start` was told, as words for the process that does it. */
export function startFlags(options: StartOptions): string[] {
  const values = {
    "--listen": options.listen,
    "--oci-runtime": options.ociRuntime,
    "--isolation": options.isolation,
    "--token-file": options.tokenFile,
    "--tls-cert": options.tlsCert,
    "--tls-key": options.tlsKey,
    "--preview-domain": options.previewDomain,
  };
  return [
    ...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
    ...options.dns.flatMap((each) => ["--dns", each]),
    ...(options.insecureListen === true ? ["--insecure-listen"] : []),
  ];
}
