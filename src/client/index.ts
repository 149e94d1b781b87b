export { Client, Client as TenkiSandbox } from "./client.js";
export type { TerminateManyResult } from "./client.js";
export { Session } from "./session.js";
export type { ExposedPort, FileReadStream } from "./session.js";
export type { RunningCommand } from "./running-command.js";
export { isSuccess, stderrText, stdoutText } from "./exec-result.js";
export type { CommandStatus, ExecResult } from "./exec-result.js";
export * from "./errors.js";
export type * from "./options.js";
