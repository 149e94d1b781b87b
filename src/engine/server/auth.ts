import { createContextKey, type Interceptor } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import { SandboxSessionDataPlaneService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { checkFirstMessage } from "./first-message.js";
import { sessionIdOf } from "./session-id-of.js";
import { readToken } from "./token.js";

export interface AuthOptions {
  /** Throws where a control-plane token is missing or wrong. */
  readonly checkToken: (token: string | undefined) => void;
  /** Returns the session that a data-plane credential is for; throws where it is broken or expired. */
  readonly verifyCredential: (credential: string) => string;
}

export const credentialHeader = "x-tenki-session-cert";
const credentialSession = createContextKey<string | undefined>(undefined);

/** Lets in who carries the engine's token, and on the data plane who carries a credential for the session. */
export function authenticate({ checkToken, verifyCredential }: AuthOptions): Interceptor {
  return (next) => (request) => {
    const { service, header, contextValues } = request;
    if (service.typeName === SandboxSessionDataPlaneService.typeName) {
      contextValues.set(credentialSession, verifyCredential(requireCredential(header)));
    } else {
      checkToken(readToken(header));
    }
    return next(request);
  };
}

/** After the rules: a request that names no session at all is better told so. */
export const holdToSession = (): Interceptor =>
  checkFirstMessage((message, { contextValues }) => {
    const session = contextValues.get(credentialSession);
    if (session === undefined) return;
    const named = sessionIdOf(message);
    if (named === undefined)
      throw new TenkiError("invalid_argument", "the first frame has to name the session");
    if (named.toLowerCase() !== session.toLowerCase()) {
      throw new TenkiError("permission_denied", "the credential is for another session than the request");
    }
  });

function requireCredential(header: Headers): string {
  const credential = header.get(credentialHeader);
  if (credential !== null && credential !== "") return credential;
  throw new TenkiError("unauthenticated", `the request carries no credential (${credentialHeader})`);
}
