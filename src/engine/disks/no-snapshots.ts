import { TenkiError } from "../../domain/error.js";
import type { SnapshotDisks } from "../core/ports/snapshot-disks.js";

/** For where disks cannot be copied as at one moment: `unavailable` says why. */
export function noSnapshots(unavailable: string): SnapshotDisks {
  const refuse = () => Promise.reject(new TenkiError("failed_precondition", unavailable));
  const nothing = () => Promise.resolve();
  return {
    unavailable,
    needsStill: false,
    take: refuse,
    persist: refuse,
    export: refuse,
    remove: nothing,
    sweep: nothing,
  };
}
