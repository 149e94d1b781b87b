import { TenkiError } from "../domain/error.js";

/** What `engine start` may say. */
export interface EngineOptions {
  readonly dataDir: string;
  /** The product's version, as `engine status` shows it. */
  readonly version: string;
  /** The program that is pid 1 in every sandbox. */
  readonly guestBinary: string;
  /** `host:port`; port 0 picks one. Default 127.0.0.1:8365. */
  readonly listen?: string | undefined;
  /** Serve other machines without TLS. Default false: refused. */
  readonly insecureListen?: boolean | undefined;
  /** PEM files; both or neither. */
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  /** What clients are told to connect to, where that is not what they connected to. */
  readonly publicUrl?: string | undefined;
  /** Holds the token. Default: one is made, and kept in the data directory. */
  readonly tokenFile?: string | undefined;
  /** `container` (default) or `process`, which is no boundary at all. */
  readonly isolation?: string | undefined;
  /** A path or a name. Default: the first that works here. */
  readonly ociRuntime?: string | undefined;
  /** Where sandboxes look names up. Default: the host's own. */
  readonly dnsServers?: readonly string[] | undefined;
  /** `ready`, or the failure as JSON (kind, message, hint), is written there as one line. */
  readonly readyDescriptor?: number | undefined;
}

export interface EngineHooks {
  /** For the person in front of it: warnings, nothing else. */
  readonly stderr: (text: string) => void;
}

/** Serves until SIGTERM or SIGINT, and leaves the sessions running. A failure to start is thrown. */
export function runEngine(_options: EngineOptions, _hooks: EngineHooks): Promise<number> {
  return Promise.reject(new TenkiError("unimplemented", "the engine is not put together yet"));
}
