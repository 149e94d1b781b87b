import type { ConnectionState } from "../../client/index.js";
import type { Context } from "../context.js";

/** Whether the connection to a command is there, for those who behave otherwise while it is not. */
export class ConnectionWatch {
  isLost = false;
  readonly #ctx: Context;
  readonly #listeners: ((state: ConnectionState) => void)[] = [];

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  /** For the client; says once per loss what goes on, and nothing when it has passed. */
  readonly onConnection = (state: ConnectionState): void => {
    this.isLost = state === "lost";
    for (const listener of this.#listeners) listener(state);
    if (this.isLost) void this.#ctx.note("connection lost; coming back…").catch(() => undefined);
  };

  onChange(listener: (state: ConnectionState) => void): void {
    this.#listeners.push(listener);
  }
}
