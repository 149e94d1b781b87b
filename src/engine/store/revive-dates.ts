/** A record out of its JSON. Only its own dates are revived: what a user put in may have a key of the same name. */
export function reviveDates(json: string, dateFields: ReadonlySet<string>): Record<string, unknown> {
  const fields = Object.entries(JSON.parse(json) as Record<string, unknown>);
  const revived = fields.map(
    ([key, value]) => [key, dateFields.has(key) ? new Date(String(value)) : value] as const,
  );
  return Object.fromEntries(revived);
}
