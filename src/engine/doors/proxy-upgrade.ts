import { type IncomingMessage, request as sendRequest, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Way } from "../core/ports/doors.js";
import { type Entrance, enter, visitorOf } from "./entrance.js";
import { headersInward, headersOutward } from "./forwarded-headers.js";
import { joinStreams } from "./join-streams.js";
import { pageFor, pageText, type Trouble } from "./pages.js";
import { proxy } from "./proxy.js";
import { hasBody } from "./request-head.js";
import { troubleOf } from "./trouble.js";
import type { Upstream } from "./upstream.js";

/** Carries a WebSocket to the service inside. What asks for another protocol is answered as if it had not asked. */
export function proxyUpgrade(
  entrance: Entrance,
  upstream: Upstream,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  socket.on("error", () => socket.destroy());
  if (request.headers.upgrade?.toLowerCase() !== "websocket") {
    answerPlainly(entrance, upstream, request, socket as Socket);
    return;
  }
  const entry = enter(entrance, request, visitorOf(request));
  if (hasBody(request) || request.method !== "GET") refuseBody(socket);
  else if (entry.kind === "way") {
    const { way } = entry;
    open(upstream, way, { request, socket, head }).catch((error: unknown) =>
      endWithPage(socket, request, troubleOf(error), way.port),
    );
  } else endWithPage(socket, request, entry.kind === "trouble" ? entry.trouble : "private");
}

interface Upgrading {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
}

async function open(upstream: Upstream, way: Way, { request, socket, head }: Upgrading): Promise<void> {
  const inside = await upstream.connect(way);
  if (socket.destroyed) {
    inside.destroy();
    return;
  }
  socket.once("close", () => inside.destroy());
  const inward = sendRequest(upgradeRequest(request, inside));
  inward.once("upgrade", (answer, stream, rest) => {
    socket.write(headText(answer, upgradeHeaders));
    if (rest.length > 0) socket.write(rest);
    if (head.length > 0) stream.write(head);
    way.touch();
    void joinStreams(socket, stream, () => way.touch());
  });
  inward.once("response", (answer) => {
    socket.write(headText(answer, ["Connection", "close"]));
    answer.pipe(socket);
  });
  inward.once("error", (error) => endWithPage(socket, request, troubleOf(error), way.port));
  inward.end();
}

const upgradeHeaders = ["Connection", "Upgrade", "Upgrade", "websocket"];

const upgradeRequest = (request: IncomingMessage, inside: Duplex) => ({
  createConnection: () => inside,
  method: request.method,
  path: request.url,
  headers: [...headersInward(request.rawHeaders, visitorOf(request)), ...upgradeHeaders],
});

/** As a request like any other, the last of its connection. */
function answerPlainly(
  entrance: Entrance,
  upstream: Upstream,
  request: IncomingMessage,
  socket: Socket,
): void {
  if (hasBody(request)) {
    refuseBody(socket);
    return;
  }
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => socket.end());
  proxy(entrance, upstream, request, response);
}

function headText(answer: IncomingMessage, connection: readonly string[]): string {
  const { statusCode = 502, statusMessage = "" } = answer;
  const headers = [...headersOutward(answer.rawHeaders), ...connection];
  const lines = headers.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${headers[at + 1] ?? ""}`] : []));
  return [`HTTP/1.1 ${statusCode} ${statusMessage}`, ...lines, "", ""].join("\r\n");
}

function endWithPage(socket: Duplex, request: IncomingMessage, trouble: Trouble, port?: number): void {
  socket.end(pageText(pageFor(trouble, request.headers.accept, port), "close"));
}

function refuseBody(socket: Duplex): void {
  const body = Buffer.from("an upgrade is a GET without a body\n");
  socket.end(pageText({ status: 400, headers: { "content-length": String(body.length) }, body }, "close"));
}
