import { PaginationStalledError } from "./errors.js";

/** The most that the contract allows. */
export const pageSize = 100;

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken: string;
}

/** All items of a list, page after page, up to `limit`. */
export async function allPages<T>(
  fetchPage: (pageToken: string) => Promise<Page<T>>,
  limit = Number.POSITIVE_INFINITY,
): Promise<T[]> {
  const items: T[] = [];
  for (let pageToken = ""; ;) {
    const page = await fetchPage(pageToken);
    items.push(...page.items);
    if (page.nextPageToken === "" || items.length >= limit) return items.slice(0, limit);
    if (page.nextPageToken === pageToken) {
      throw new PaginationStalledError(
        "internal",
        "the service's list does not end: its next page is the same one again",
      );
    }
    pageToken = page.nextPageToken;
  }
}
