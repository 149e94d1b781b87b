import type { Interceptor } from "@connectrpc/connect";
import { blankSecrets, credentialHeader } from "./authentication.js";
import { findOwn } from "./call-error.js";
import type { RequestRecord } from "./options/client.js";

export interface Observer {
  readonly endpoint: string;
  readonly onRequest: (request: RequestRecord) => void;
  readonly token: string;
}

/** Reports every request when it has ended: a stream's, when its last message was read. */
export function observeRequests(observer: Observer): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    const service = request.service.typeName.split(".").at(-1) ?? "";
    const secrets = [observer.token, request.header.get(credentialHeader) ?? ""];
    const report = (error?: unknown) =>
      observer.onRequest({
        method: `${service}.${request.method.name}`,
        endpoint: observer.endpoint,
        durationMs: Math.round(performance.now() - startedAt),
        ...(error === undefined ? {} : { error: blankSecrets(textOf(error), secrets) }),
      });
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: reportEnd(response.message, report) };
      report();
      return response;
    } catch (error) {
      report(error);
      throw error;
    }
  };
}

async function* reportEnd<T>(
  messages: AsyncIterable<T>,
  report: (error?: unknown) => void,
): AsyncIterable<T> {
  let failure: unknown;
  try {
    yield* messages;
  } catch (error) {
    // Who has what it wanted lets go of a stream: that is no failure.
    failure = findOwn(error)?.kind === "cancelled" ? undefined : error;
    throw error;
  } finally {
    report(failure);
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
