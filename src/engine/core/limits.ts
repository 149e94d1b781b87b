/** The longest that a session may be asked to live: what is forgotten does not stay for ever. */
export const longestDurationMs = 30 * 24 * 3_600_000;

/** A caller who waits gets its answer this much ahead of its own deadline. */
export const answerAheadMs = 2_000;

/** How often activity is written to the record, at most, for one session. */
export const activityWriteMs = 5_000;

export const defaultPageSize = 50;
