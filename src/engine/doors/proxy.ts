import { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { Way } from "../core/ports/doors.js";
import type { AnswerHead } from "./answer-head.js";
import { type Entrance, enter, type ProxyRequest, visitorOf } from "./entrance.js";
import { headersOutward } from "./forwarded-headers.js";
import { InsideConnection } from "./inside-connection.js";
import { pageFor, type Trouble } from "./pages.js";
import { hasBody, requestHead } from "./request-head.js";
import { sendBody } from "./send-body.js";
import { troubleOf } from "./trouble.js";
import type { Upstream } from "./upstream.js";

export type ProxyResponse = ServerResponse | Http2ServerResponse;

interface Exchange {
  readonly request: ProxyRequest;
  readonly response: ProxyResponse;
  readonly upstream: Upstream;
  readonly way: Way;
  readonly head: string;
}

/** Answers a request with what the service inside answers, or with why there is no answer. */
export function proxy(
  entrance: Entrance,
  upstream: Upstream,
  request: ProxyRequest,
  response: ProxyResponse,
): void {
  const visitor = visitorOf(request);
  const entry = enter(entrance, request, visitor);
  if (entry.kind === "way") {
    const head = requestHead(request, visitor);
    if (head === undefined) answerTrouble(request, response, "malformed");
    else begin({ request, response, upstream, way: entry.way, head });
    return;
  }
  if (entry.kind === "trouble") answerTrouble(request, response, entry.trouble);
  else redirect(response, entry);
}

/** On a connection that was kept, where one is; that it was closed meanwhile shows only now, and is no answer. */
function begin(passing: Exchange): void {
  const { upstream, way, request } = passing;
  const kept = upstream.takeIdle(way);
  if (kept === undefined) void beginAfresh(passing);
  else exchange(passing, kept, { mayRepeat: !hasBody(request) && isSafe(request.method) });
}

async function beginAfresh(passing: Exchange): Promise<void> {
  const { upstream, way, response } = passing;
  try {
    const connection = new InsideConnection(await upstream.connect(way));
    if (response.destroyed) connection.close();
    else exchange(passing, connection, { mayRepeat: false });
  } catch (error) {
    answerTrouble(passing.request, response, troubleOf(error), way.port);
  }
}

function exchange(
  passing: Exchange,
  connection: InsideConnection,
  { mayRepeat }: { readonly mayRepeat: boolean },
): void {
  const { request, response, upstream, way, head } = passing;
  const done = way.begin();
  const onGone = () => {
    connection.close();
    done();
  };
  const onDrain = () => connection.resume();
  const letGo = () => {
    done();
    response.off("close", onGone).off("drain", onDrain);
  };
  let isSent = () => true;
  response.once("close", onGone).on("drain", onDrain).on("error", ignore);
  connection.ask(head, {
    method: request.method ?? "",
    head: (answer) => writeHead(response, answer),
    piece: (bytes) => (response as ServerResponse).write(Buffer.from(bytes)),
    flush: () => true,
    end() {
      letGo();
      response.end();
      if (isSent()) upstream.giveBack(connection, way);
      else connection.close();
    },
    failed(error) {
      letGo();
      if (response.headersSent || response.destroyed) response.destroy();
      else if (mayRepeat) void beginAfresh(passing);
      else answerTrouble(request, response, troubleOf(error), way.port);
    },
  });
  if (hasBody(request)) isSent = sendBody(request, connection.stream);
}

const ignore = (): void => undefined; // nobody is left to tell

const isSafe = (method: string | undefined): boolean =>
  method === "GET" || method === "HEAD" || method === "OPTIONS";

function writeHead(response: ProxyResponse, { status, reason, headers }: AnswerHead): void {
  const outward = headersOutward(headers);
  response.sendDate = false;
  if (response instanceof ServerResponse) {
    // What comes with the head goes out with it.
    response.cork();
    process.nextTick(() => response.uncork());
    response.writeHead(status, reason, outward);
  } else response.writeHead(status, gathered(outward));
}

/** HTTP/2 takes each name once. */
function gathered(raw: readonly string[]): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at + 1 < raw.length; at += 2)
    (headers[(raw[at] ?? "").toLowerCase()] ??= []).push(raw[at + 1] ?? "");
  return headers;
}

function redirect(response: ProxyResponse, to: { readonly location: string; readonly cookie: string }): void {
  response.writeHead(303, {
    location: to.location,
    "set-cookie": to.cookie,
    "content-length": "0",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
  });
  response.end();
}

function answerTrouble(
  request: ProxyRequest,
  response: ProxyResponse,
  trouble: Trouble,
  port?: number,
): void {
  if (response.destroyed) return;
  const { status, headers, body } = pageFor(trouble, request.headers.accept, port);
  // Nor is what follows one that could be read in two ways.
  if (trouble === "malformed" && response instanceof ServerResponse) response.shouldKeepAlive = false;
  response.writeHead(status, headers);
  if (request.method === "HEAD") response.end();
  else response.end(body);
  request.resume();
}
