import type { Client } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import type { Snapshot } from "../domain/snapshot.js";
import { uuid } from "./flags/parsers/words.js";
import { formatTime, sizeText } from "./output/view.js";

/** The id, without a call where that was given; a name is looked for in the list. */
export async function findSnapshotId(client: Client, idOrName: string): Promise<string> {
  return uuid.read(idOrName) ?? pickSnapshot(await client.listSnapshots(), idOrName).id;
}

/** The one of that name. */
function pickSnapshot(snapshots: readonly Snapshot[], name: string): Snapshot {
  const [found, ...others] = snapshots.filter((snapshot) => snapshot.name === name);
  if (found === undefined) {
    throw new TenkiError("not_found", `snapshot not found: none is named "${name}"`, {
      hint: "tenki sandbox snapshot list shows what there is; one that has expired is gone",
    });
  }
  if (others.length === 0) return found;
  const listed = [found, ...others].map(
    ({ id, state, sizeBytes, createdAt }) =>
      `${id} (${state}, ${sizeText(sizeBytes)}, created ${createdAt === undefined ? "-" : formatTime(createdAt)})`,
  );
  throw new TenkiError(
    "usage",
    `ambiguous name "${name}": ${listed.length} snapshots have it: ${listed.join(", ")}`,
    { hint: `name it by its id: ${found.id}` },
  );
}
