import { TenkiError } from "../../../domain/error.js";
import { type SnapshotState } from "../../../domain/snapshot.js";

export type SnapshotEvent = "taken" | "take_failed" | "delete" | "deleted";

type Transitions = Readonly<Record<SnapshotState, Readonly<Partial<Record<SnapshotEvent, SnapshotState>>>>>;

/** The one table of what may follow what. What is not in it is illegal. */
const transitions: Transitions = {
  CREATING: { taken: "READY", take_failed: "FAILED" },
  READY: { delete: "DELETING" },
  FAILED: { delete: "DELETING" },
  DELETING: { delete: "DELETING", deleted: "DELETED" },
  DELETED: {},
};

/** The state after an event; an illegal move says where the snapshot is and what was asked of it. */
export function nextSnapshotState(from: SnapshotState, event: SnapshotEvent): SnapshotState {
  const to = transitions[from][event];
  if (to !== undefined) return to;
  throw new TenkiError("failed_precondition", `${notReady(from)}: it cannot go on to "${event}" from there`);
}

/** How a snapshot's state is told to somebody who needed another. */
export const notReady = (state: SnapshotState): string => `snapshot ${words[state]} (state=${state})`;

const words: Readonly<Record<SnapshotState, string>> = {
  CREATING: "is still being taken",
  READY: "is ready",
  FAILED: "could not be taken",
  DELETING: "is being deleted",
  DELETED: "is deleted",
};
