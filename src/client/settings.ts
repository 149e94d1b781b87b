import type { CredentialKeeper } from "./credential-keeper.js";
import { MissingAuthTokenError, SandboxError } from "./errors.js";
import type { ClientOptions, RequestRecord, RootCertificates } from "./options/client.js";

export const defaultEndpoint = "https://api.tenki.cloud";
const defaultTimeoutMs = 30_000;
const defaultReadyTimeoutMs = 60_000;

/** What a client works with, resolved: option, then environment, then default. */
export interface Settings {
  readonly token: string;
  readonly endpoint: string;
  readonly gateway: string | undefined;
  readonly workspaceId: string | undefined;
  readonly projectId: string | undefined;
  readonly timeoutMs: number;
  readonly readyTimeoutMs: number;
  readonly rootCertificates: RootCertificates | undefined;
  readonly credentials: CredentialKeeper | undefined;
  readonly findEndpoint: (() => Promise<string | undefined>) | undefined;
  readonly onRequest: ((request: RequestRecord) => void) | undefined;
}

export function resolveSettings(options: ClientOptions): Settings {
  const env = options.env ?? processEnvironment();
  const token = firstFilled(options.authToken, env.TENKI_AUTH_TOKEN, env.TENKI_API_KEY);
  if (token === undefined) throw new MissingAuthTokenError();
  const endpoint = firstFilled(options.baseUrl, env.TENKI_API_ENDPOINT, env.TENKI_API_URL) ?? defaultEndpoint;
  return {
    token,
    endpoint: checkEndpoint(endpoint),
    gateway: firstFilled(options.gatewayAddress, env.TENKI_SANDBOX_GATEWAY_URL),
    workspaceId: firstFilled(options.workspaceId),
    projectId: firstFilled(options.projectId),
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    readyTimeoutMs: options.dataPlaneReadyTimeoutMs ?? defaultReadyTimeoutMs,
    rootCertificates: options.rootCertificates,
    credentials: options.credentials,
    findEndpoint: options.findEndpoint,
    onRequest: options.onRequest,
  };
}

function checkEndpoint(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return text.replace(/\/+$/, "");
  throw new SandboxError("invalid_argument", `the endpoint "${text}" is no http:// or https:// address`, {
    hint: `an endpoint looks like ${defaultEndpoint} or http://127.0.0.1:8365`,
  });
}

/** The one place of the library that reads the process's environment, for programs that pass none. */
const processEnvironment = (): NodeJS.ProcessEnv => process.env;

const firstFilled = (...candidates: readonly (string | undefined)[]): string | undefined =>
  candidates
    .map((candidate) => candidate?.trim())
    .find((candidate) => candidate !== undefined && candidate !== "");
