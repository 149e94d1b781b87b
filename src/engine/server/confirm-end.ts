import type { Http2Session } from "node:http2";

/** The reset follows the end within two turns of the client's event loop, and an answered ping is at least one. */
const roundTrips = 3;

/**
 * Node's HTTP/2 client breaks off an upload by ending its side, and resetting the stream a moment later: in between,
 * half an upload looks like a whole one. What the client had to say by then is here when it has answered these pings.
 */
export async function untilNothingFollows(session: Http2Session | undefined): Promise<void> {
  if (session === undefined) return;
  for (let trip = 0; trip < roundTrips; trip += 1) await nextRoundTrip(session);
}

const underWay = new WeakMap<Http2Session, Promise<void>>();
const waiting = new WeakMap<Http2Session, Promise<void>>();

/** One that begins from now on, shared by all who ask meanwhile. */
function nextRoundTrip(session: Http2Session): Promise<void> {
  const current = underWay.get(session);
  if (current === undefined) return begin(session);
  const next = waiting.get(session) ?? current.then(() => begin(session));
  waiting.set(session, next);
  return next;
}

function begin(session: Http2Session): Promise<void> {
  const trip = ping(session).finally(() => underWay.delete(session));
  underWay.set(session, trip);
  waiting.delete(session);
  return trip;
}

const ping = (session: Http2Session): Promise<void> =>
  new Promise((resolve) => {
    // Without an answer the connection is about to go, and with it the call.
    if (session.destroyed || !session.ping(() => resolve())) resolve();
  });
