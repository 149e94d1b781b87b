import type { PageRequest, SessionFilter } from "../core/ports/store.js";
import type { SqlValues } from "./sqlite-database.js";

/** The query for one page of sessions, newest first, and one more to know whether there is another page. */
export function listQuery(filter: SessionFilter, page: PageRequest): { sql: string; values: SqlValues } {
  const { where, values } = conditions(filter, page);
  return {
    sql: `SELECT record FROM sessions ${where} ORDER BY created_ms DESC, id DESC LIMIT :limit`,
    values: { ...values, limit: page.size + 1 },
  };
}

function conditions(filter: SessionFilter, page: PageRequest) {
  const values: SqlValues = {};
  const clauses: string[] = [];
  const also = (clause: string, named: Record<string, string | number | undefined> = {}) => {
    if (Object.values(named).includes(undefined)) return;
    clauses.push(clause);
    Object.assign(values, named);
  };
  also("owner_id = :owner", { owner: filter.ownerId });
  also("workspace_id = :workspace", { workspace: filter.workspaceId });
  also("project_id = :project", { project: filter.projectId });
  also("sticky = :sticky", { sticky: filter.sticky === undefined ? undefined : Number(filter.sticky) });
  if (!filter.includeTerminated && !filter.states?.includes("TERMINATED")) also("state <> 'TERMINATED'");
  if (filter.states !== undefined)
    also("state IN (SELECT value FROM json_each(:states))", { states: JSON.stringify(filter.states) });
  for (const [index, tag] of filter.tags.entries()) {
    also(`EXISTS (SELECT 1 FROM json_each(tags) WHERE value = :tag${index})`, { [`tag${index}`]: tag });
  }
  also("(created_ms, id) < (:beforeMs, :beforeId)", {
    beforeMs: page.after?.createdAtMs,
    beforeId: page.after?.id,
  });
  return { where: clauses.length === 0 ? "" : `WHERE ${clauses.join(" AND ")}`, values };
}
