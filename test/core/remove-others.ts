export function removeOthers(from: Map<string, unknown>, keep: ReadonlySet<string>): void {
  for (const key of from.keys()) if (!keep.has(key)) from.delete(key);
}
