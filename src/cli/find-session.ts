import type { Client, Session } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import { formatTime } from "./output/view.js";

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** By id without a call; by name among those that live, then among those that have ended. */
export async function findSession(client: Client, idOrName: string): Promise<Session> {
  if (idPattern.test(idOrName)) return client.session(idOrName.toLowerCase());
  const named = ({ name }: Session): boolean => name === idOrName;
  const living = (await client.list()).filter(named);
  if (living.length > 1) throw ambiguous(idOrName, living);
  if (living[0] !== undefined) return living[0];
  const ended = (await client.list({ includeTerminated: true })).filter(named);
  if (ended[0] !== undefined) return ended[0]; // newest first
  throw new TenkiError("not_found", `session not found: no session is named "${idOrName}"`, {
    hint: "tenki sandbox list",
  });
}

function ambiguous(name: string, candidates: readonly Session[]): TenkiError {
  const listed = candidates.map(
    ({ id, info }) => `${id} (${info.state}, created ${formatTime(info.createdAt)})`,
  );
  return new TenkiError(
    "usage",
    `ambiguous name "${name}": ${listed.length} sessions have it: ${listed.join(", ")}`,
    {
      hint: `name it by its id: --session ${candidates[0]?.id ?? ""}`,
    },
  );
}
