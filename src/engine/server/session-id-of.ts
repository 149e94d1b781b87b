import type { Message } from "@bufbuild/protobuf";

/** The session that a request is about, wherever its message keeps it; undefined where it names none. */
export function sessionIdOf(message: Message): string | undefined {
  const { sessionId, request, frame } = message as Partial<Envelopes>;
  if (sessionId !== undefined) return sessionId;
  if (request !== undefined) return request.sessionId;
  const value = frame?.payload?.value;
  return typeof value === "object" ? value.sessionId : undefined;
}

/** The three shapes of the contract: a field, a request within the message, a first frame of a stream. */
interface Envelopes {
  readonly sessionId: string;
  readonly request: { readonly sessionId: string };
  readonly frame: { readonly payload?: { readonly value?: { readonly sessionId?: string } } };
}
