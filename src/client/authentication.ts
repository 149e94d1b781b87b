/** The headers that say who calls: a token's beginning decides which one carries it. */
export function authenticationHeaders(token: string): Record<string, string> {
  return { ...tokenHeader(token), ...clientHeaders };
}

/** A token or a credential that found its way into a text is blanked there. */
export function blankSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (blanked, secret) => (secret === "" ? blanked : blanked.replaceAll(secret, "***")),
    text,
  );
}

export const credentialHeader = "x-tenki-session-cert";

/** Sent with every call, so that the service knows what speaks to it. */
export const clientHeaders = {
  "X-Tenki-Client-Family": "tenki_cli",
  "X-Tenki-Client-Generation": "workspace_v1",
} as const;

function tokenHeader(token: string): Record<string, string> {
  if (token.startsWith("tk_")) return { Authorization: `Bearer ${token}` };
  if (token.startsWith("ory_st_")) return { "X-Session-Token": token };
  return { Cookie: `ory_kratos_session=${token}` };
}
