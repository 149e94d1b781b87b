import { TenkiError } from "../domain/error.js";
import { CapabilityUnavailableError } from "./errors.js";
import type { Rpc } from "./rpc.js";

/** What a service is like that does not have a call, after `the service at …`, and what would help. */
export interface Lack {
  readonly says: string;
  readonly hint?: string | undefined;
}

/** Makes a call that not every service has: one without it is told apart from one that refuses. */
export async function ifOffered<T>(rpc: Rpc, lack: Lack, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (!(cause instanceof TenkiError) || cause.kind !== "unimplemented") throw cause;
    throw new CapabilityUnavailableError(
      "unimplemented",
      `the service at ${rpc.settings.endpoint} ${lack.says}`,
      lack.hint === undefined ? { cause } : { cause, hint: lack.hint },
    );
  }
}
