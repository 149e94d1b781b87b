import { TenkiError } from "../../../domain/error.js";
import { networkNameOf, networkNamesAround } from "../../../lib/ip-networks.js";

/** What a certificate has to name for the server of a session to take it, wherever its holder is. */
export const sessionPrincipal = (sessionId: string): string => `session-${sessionId}`;

/** The same for holders in one network. */
const networkPrincipal = (sessionId: string, network: string): string =>
  `${sessionPrincipal(sessionId)}-from-${network}`;

/** What a certificate names: the session, or the session from each of some networks. */
export function principalsOf(sessionId: string, sourceAddresses: readonly string[]): string[] {
  if (sourceAddresses.length === 0) return [sessionPrincipal(sessionId)];
  const networks = new Set(sourceAddresses.map(readNetwork));
  return [...networks].map((network) => networkPrincipal(sessionId, network));
}

/** What the server of a session takes from a client: sshd compares names only, so every network of the client has one. */
export function acceptedPrincipals(client: {
  readonly sessionId: string;
  readonly clientAddress: string | undefined;
}): string[] {
  const { sessionId, clientAddress } = client;
  const networks = clientAddress === undefined ? [] : networkNamesAround(clientAddress);
  return [sessionPrincipal(sessionId), ...networks.map((network) => networkPrincipal(sessionId, network))];
}

function readNetwork(text: string, index: number): string {
  const name = networkNameOf(text);
  if (name !== undefined) return name;
  throw new TenkiError(
    "invalid_argument",
    `source_addresses[${index}]: has to be an address, or a network like 10.0.0.0/8`,
  );
}
