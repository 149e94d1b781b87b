import type { ExecutionInfo } from "../../../domain/execution.js";
import { codeOfExit } from "../../exec/exit-status.js";
import { shellLine } from "../../../lib/shell-quote.js";
import { type Column, column, type Fields, listView, objectView, type View } from "../view.js";

/** An execution as users, scripts and other programs see it. */
export function executionFields(info: ExecutionInfo): Fields {
  return {
    id: info.id,
    session_id: info.sessionId,
    state: info.state,
    exit_code: info.exit === undefined ? null : codeOfExit(info.exit),
    signal: info.exit?.signal ?? null,
    argv: info.argv,
    cwd: info.cwd,
    user: info.privileged ? "root" : "tenki",
    tty: info.terminal,
    stdin: info.takesInput,
    started_at: info.startedAt,
    ended_at: info.endedAt ?? null,
    duration_ms: info.exit === undefined ? null : Math.round(info.exit.durationMs),
    output_bytes: info.outputBytes,
    output_kept_from: info.keptFrom,
    problem: info.problem ?? null,
  };
}

export const executionView = (info: ExecutionInfo): View =>
  objectView(executionFields(info), { ...executionFields(info), argv: commandText(info.argv) });

export const executionsView = (infos: readonly ExecutionInfo[]): View =>
  listView(infos.map(executionFields), columns);

/** As it would be typed. */
export const commandText = shellLine;

const columns: readonly Column[] = [
  column("ID", "id"),
  column("SESSION", "session_id"),
  column("STATE", "state"),
  column("EXIT", "exit_code"),
  column("STARTED", "started_at"),
  { header: "COMMAND", cell: ({ argv }) => commandText(argv as readonly string[]) },
];
