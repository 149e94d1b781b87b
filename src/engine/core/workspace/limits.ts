/** The longest that a session may be asked to live: what is forgotten does not stay for ever. */
export const longestDurationMs = 30 * 24 * 3_600_000;

/** The longest that a paused session may be asked to be kept. */
export const longestRetentionMs = 365 * 24 * 3_600_000;

/** A caller who waits gets its answer this much ahead of its own deadline. */
export const answerAheadMs = 2_000;

/** How often activity is written to the record, at most, for one session. */
export const activityWriteMs = 5_000;

export const defaultPageSize = 50;

/** Sessions that are never paused for being idle: few, for each keeps its memory until somebody ends it. */
export const defaultMaxStickySessions = 5;

/** What the contract calls a GB: its bounds of disks are 2^30 bytes each. */
export const gigabyte = 2 ** 30;

/** How long a command of `Run` goes on, or its exit waits, for a caller whose connection was lost. */
export const runLingerMs = 30_000;

/** Executions that run at the same time in one session. */
export const runningExecutionsMax = 1_000;
/** Executions of one session that are remembered after their end, and how much output they keep together. */
export const endedExecutionsMax = 100;
export const endedOutputBytesMax = 2 ** 30;
/** Ports of one session that are exposed at the same time. */
export const exposedPortsMax = 20;
/** Names that are kept: each has a door of its own. */
export const previewNamesMax = 1_000;
/** How long who comes late is told that an exposure has expired. */
export const expiredDoorMs = 24 * 3_600_000;
/** How long executions outlast their session. */
export const executionsAfterSessionMs = 24 * 3_600_000;
