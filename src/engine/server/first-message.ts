import type { Message } from "@bufbuild/protobuf";
import type { Interceptor, StreamRequest, UnaryRequest } from "@connectrpc/connect";

/** An interceptor that looks at a unary call's message, and at a stream's first. */
export function checkFirstMessage(
  check: (message: Message, request: UnaryRequest | StreamRequest) => void,
): Interceptor {
  return (next) => (request) => {
    if (request.stream) {
      return next({ ...request, message: checkFirst(request.message, (message) => check(message, request)) });
    }
    check(request.message, request);
    return next(request);
  };
}

async function* checkFirst<T>(
  messages: AsyncIterable<T>,
  check: (message: T) => void,
): AsyncGenerator<T, void, undefined> {
  let first = true;
  for await (const message of messages) {
    if (first) check(message);
    first = false;
    yield message;
  }
}
