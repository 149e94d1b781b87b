/** What is too short would blank half of the text, and guards nothing. */
const shortest = 4;

/** A program's words without the secrets that it was given, however it spells them, and without logins in URLs. */
export function blankSecrets(text: string, secrets: readonly string[]): string {
  const spellings = secrets
    .filter((secret) => secret.length >= shortest)
    .flatMap((secret) => [secret, encodeURIComponent(secret)])
    .sort((one, other) => other.length - one.length);
  const blanked = spellings.reduce((left, spelling) => left.replaceAll(spelling, "***"), text);
  return blanked.replace(/:\/\/[^\s/@'"]*@/g, "://***@");
}
