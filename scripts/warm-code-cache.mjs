// Writes V8's code cache of dist/tenki.cjs for this Node. A cache holds the functions that have run by then, so the
// usual commands are run once, against a service that knows just enough of the contract to answer them.
import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp1Server } from "node:http";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = new URL("..", import.meta.url).pathname;

for (const name of readdirSync(join(root, "dist"))) {
  if (name.endsWith(".cache")) rmSync(join(root, "dist", name));
}
const service = await serve();
const lane = await serveLane();
const home = await mkdtemp(join(tmpdir(), "tenki-build-"));
try {
  await logIn(join(home, ".config", "tenki"), addressOf(service), addressOf(lane));
  await warm({ HOME: home, PATH: process.env.PATH });
} finally {
  service.close();
  lane.close();
  await rm(home, { recursive: true });
}

/** As after a first command in a session: the next one takes the lane. Of the other session nothing is known yet. */
async function logIn(directory, api, endpoint) {
  const credential = { credential: "build", receivedAt: Date.now(), expiresAt: Date.now() + 900_000 };
  const kept = JSON.stringify({ api, endpoint, ...credential, hasLane: true });
  await mkdir(join(directory, "credentials"), { recursive: true });
  await writeFile(join(directory, "config.yaml"), `auth_token: tk_build\napi_endpoint: ${api}\n`);
  await writeFile(join(directory, "credentials", "0190d3c5-0000-7000-8000-000000000001.json"), kept);
}

function addressOf(server) {
  return `http://127.0.0.1:${server.address().port}`;
}

function warm(env) {
  const child = spawn(process.execPath, [join(root, "scripts", "write-code-cache.cjs")], {
    env,
    stdio: ["ignore", "ignore", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`the code cache was not written: ${code}`)),
    );
  });
}

/** Each method's answer as protobuf, one entry per message. */
function answersOf(path) {
  const method = path.split("/").at(-1);
  const credential = field(1, text(1, "build"));
  const answers = {
    CreateSessionCredential: [Buffer.concat([credential, Buffer.from([0x18, 1])])],
    Run: [
      field(1, field(1, Buffer.from([0x08, 1]))),
      field(1, field(2, Buffer.from("x"))),
      field(1, field(4, text(5, "exit"))),
    ],
  };
  return answers[method] ?? [Buffer.alloc(0)];
}

function field(number, content) {
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
}

function text(number, content) {
  return field(number, Buffer.from(content));
}

async function serveLane() {
  const server = createHttp1Server();
  server.on("upgrade", (_request, socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: tenki-run\r\n\r\n");
    frame(socket, 4, "0190d3c5-0000-7000-8000-000000000003");
    frame(socket, 0, '{"started":{"pid":"1","stdinWindowBytes":1}}');
    frame(socket, 1, "x");
    frame(socket, 0, '{"exit":{"reason":"exit","durationMs":"1"}}');
    socket.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

function frame(socket, kind, payload) {
  const head = Buffer.from([kind, 0, 0, 0, 0]);
  head.writeUInt32BE(payload.length, 1);
  socket.write(Buffer.concat([head, Buffer.from(payload)]));
}

async function serve() {
  const server = createServer();
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    stream.resume();
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    for (const message of answersOf(headers[":path"])) {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      stream.write(Buffer.concat([prefix, message]));
    }
    stream.end();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
