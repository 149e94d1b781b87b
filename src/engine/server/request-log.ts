import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { Message } from "@bufbuild/protobuf";
import type { Logger } from "../../lib/logger.js";
import { checkFirstMessage } from "./first-message.js";
import { sessionIdOf } from "./session-id-of.js";
import { endingWith } from "./stream-end.js";

/** One line for every call that has ended: which, of which session, how, and how long. Nothing of what it carried. */
export function logRequests(log: Logger): Interceptor {
  return (next) => async (request) => {
    const startedAt = performance.now();
    let session: string | undefined;
    const noteSession = checkFirstMessage((message) => (session = sessionIdOf(message)));
    const method = `${request.service.name}/${request.method.name}`;
    const ended = (error?: unknown) => {
      const code = error === undefined ? "ok" : codeToString(ConnectError.from(error).code);
      const ms = Math.round(performance.now() - startedAt);
      log[level(error)]("request", { method, code, ms, session });
    };
    try {
      const response = await noteSession(next)(request);
      if (response.stream) {
        const left = () => (request.signal.aborted ? request.signal.reason : undefined);
        return {
          ...response,
          message: endingWith(response.message, { ended: (error) => ended(error ?? left()) }),
        };
      }
      session ??= createdSession(response.message);
      ended();
      return response;
    } catch (error) {
      ended(error);
      throw error;
    }
  };
}

const serious = new Set([Code.Internal, Code.Unknown, Code.DataLoss]);

const level = (error: unknown): "info" | "warn" =>
  error !== undefined && serious.has(ConnectError.from(error).code) ? "warn" : "info";

const createdSession = (message: Message): string | undefined =>
  (message as { session?: { id?: string } }).session?.id;
