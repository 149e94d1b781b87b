import { resolve } from "node:path";
import type { StartOptions } from "../commands/engine/start.js";

/** What `engine start` was told, as words for the process that does it, which runs in another directory. */
export function startFlags(options: StartOptions): string[] {
  const values = {
    "--listen": options.listen,
    "--oci-runtime": options.ociRuntime?.includes("/") ? resolve(options.ociRuntime) : options.ociRuntime,
    "--isolation": options.isolation,
    "--token-file": absolute(options.tokenFile),
    "--tls-cert": absolute(options.tlsCert),
    "--tls-key": absolute(options.tlsKey),
    "--preview-domain": options.previewDomain,
  };
  return [
    ...Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [name, value])),
    ...options.dns.flatMap((each) => ["--dns", each]),
    ...(options.insecureListen === true ? ["--insecure-listen"] : []),
  ];
}

const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path));
