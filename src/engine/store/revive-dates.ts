/** A record out of its JSON. Only its own dates are revived: what a user put in may have a key of the same name. */
export function reviveDates(json: string, dateFields: ReadonlySet<string>): Record<string, unknown> {
  const record = JSON.parse(json) as Record<string, unknown>;
  for (const field of dateFields) {
    if (Object.hasOwn(record, field)) record[field] = new Date(String(record[field]));
  }
  return record;
}
