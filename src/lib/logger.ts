export type LogLevel = "debug" | "info" | "warn" | "error";

/** What a line carries besides its message. Never a token, a credential, an environment or content. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const nothing = (): void => undefined;

/** Where nobody listens. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
