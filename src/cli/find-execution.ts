import type { Client } from "../client/index.js";
import { TenkiError } from "../domain/error.js";
import type { ExecutionInfo } from "../domain/execution.js";
import { uuid } from "./flags/parsers/words.js";
import { commandText } from "./output/views/execution.js";

const hint = "tenki sandbox exec list --all";

/** By its id, or the beginning of it where no other one begins so. */
export async function findExecution(client: Client, idOrPrefix: string): Promise<ExecutionInfo> {
  const id = uuid.read(idOrPrefix);
  if (id !== undefined) return getExecution(client, id);
  const all = await client.executions.list();
  const [found, ...others] = all.filter((each) => each.id.startsWith(idOrPrefix.toLowerCase()));
  if (found === undefined) {
    throw new TenkiError("not_found", `execution not found: none begins with "${idOrPrefix}"`, { hint });
  }
  if (others.length === 0) return found;
  const listed = [found, ...others].map((each) => `${each.id} (${each.state}, ${commandText(each.argv)})`);
  throw new TenkiError(
    "usage",
    `ambiguous id "${idOrPrefix}": ${listed.length} executions begin so: ${listed.join(", ")}`,
    { hint: `name it by its whole id: ${found.id}` },
  );
}

async function getExecution(client: Client, id: string): Promise<ExecutionInfo> {
  try {
    return await client.executions.get(id);
  } catch (error) {
    if (!(error instanceof TenkiError) || error.kind !== "not_found") throw error;
    throw new TenkiError("not_found", error.message, { hint, cause: error });
  }
}
