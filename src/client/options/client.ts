import type { CredentialKeeper } from "../credential-keeper.js";

/** PEM text, or several of them. */
export type RootCertificates = string | Uint8Array | readonly (string | Uint8Array)[];

/** What `--verbose` shows of a request; it never holds a token or a credential. */
export interface RequestRecord {
  /** Service and method: `SandboxService.GetSession`. */
  readonly method: string;
  readonly endpoint: string;
  readonly durationMs: number;
  /** The status code's name and the message, where the call failed. */
  readonly error?: string;
}

export interface ClientOptions {
  /** Default: TENKI_AUTH_TOKEN, then TENKI_API_KEY. */
  readonly authToken?: string | undefined;
  /** Default: TENKI_API_ENDPOINT, then TENKI_API_URL, then https://api.tenki.cloud. */
  readonly baseUrl?: string | undefined;
  /** The SSH gateway's WebSocket address. Default: TENKI_SANDBOX_GATEWAY_URL, then discovery, then the API's host. */
  readonly gatewayAddress?: string | undefined;
  /** Needed by service credentials only: a key belongs to one workspace. */
  readonly workspaceId?: string | undefined;
  /** Deprecated by the service, and still sent where it is given. */
  readonly projectId?: string | undefined;
  /** How long a call may take that names no bound of its own. Default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** How long a session's data plane may take until it answers. Default 60 s. */
  readonly dataPlaneReadyTimeoutMs?: number | undefined;
  /** Trusted instead of the system's, for a service with a certificate of its own. */
  readonly rootCertificates?: RootCertificates | undefined;
  /** Where the defaults above come from. Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Where sessions' credentials wait for the next client. Default: nowhere. */
  readonly credentials?: CredentialKeeper | undefined;
  /** Asked where the service is when the connection to it was lost; undefined: not there now. Default: where it was. */
  readonly findEndpoint?: (() => Promise<string | undefined>) | undefined;
  /** Called once for every request that has ended. */
  readonly onRequest?: ((request: RequestRecord) => void) | undefined;
}
