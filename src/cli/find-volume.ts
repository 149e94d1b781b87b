import type { Client } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import type { Volume } from "../domain/volume.js";
import { uuid } from "./flags/parsers/words.js";
import { sizeText } from "./output/view.js";

/** The id, without a call where that was given; a name is looked for in the list. */
export async function findVolumeId(client: Client, idOrName: string): Promise<string> {
  return uuid.read(idOrName) ?? pickVolume(await client.listVolumes(), idOrName).id;
}

/** The one of that name. */
export function pickVolume(volumes: readonly Volume[], name: string): Volume {
  const [found, ...others] = volumes.filter((volume) => volume.name === name);
  if (found === undefined) {
    throw new TenkiError("not_found", `volume not found: none is named "${name}"`, {
      hint: "tenki sandbox volume list",
    });
  }
  if (others.length === 0) return found;
  const listed = [found, ...others].map(
    ({ id, state, sizeBytes }) => `${id} (${state}, ${sizeText(sizeBytes)})`,
  );
  throw new TenkiError(
    "usage",
    `ambiguous name "${name}": ${listed.length} volumes have it: ${listed.join(", ")}`,
    { hint: `name it by its id: ${found.id}` },
  );
}
