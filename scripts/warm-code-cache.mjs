// Writes V8's code cache of dist/tenki.cjs for this Node. A cache holds the functions that have run by then, so the
// usual commands are run once, against a service that knows just enough of the contract to answer them.
import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { createServer as createHttp1Server } from "node:http";
import { createServer } from "node:http2";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { WebSocketServer } from "ws";

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
  await allowSsh(directory, endpoint.replace("http", "ws"));
}

/** As after a first login to the session: nothing is left to do but to carry bytes. */
async function allowSsh(directory, gateway) {
  const id = "0190d3c5-0000-7000-8000-000000000001";
  const [type, key] = ["ssh-ed25519", sshField(Buffer.alloc(32))];
  const certificate = Buffer.concat([
    ...[sshField(`${type}-cert-v01@openssh.com`), sshField(""), key, Buffer.alloc(12)],
    ...[sshField(id), sshField(""), Buffer.alloc(8), Buffer.alloc(8, 0x7f)],
  ]);
  const files = {
    "ssh/id_ed25519": "a key",
    "ssh/id_ed25519.pub": `${type} ${Buffer.concat([sshField(type), key]).toString("base64")}\n`,
    [`ssh-certs/${id}/id_ed25519-cert.pub`]: `${type}-cert-v01@openssh.com ${certificate.toString("base64")}\n`,
    [`ssh-certs/${id}/known_hosts`]: "",
    [`ssh-certs/${id}/gateway`]: gateway,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true });
    await writeFile(join(directory, name), content);
  }
  const goodUntil = new Date(Date.now() + 600_000);
  await utimes(join(directory, `ssh-certs/${id}/id_ed25519-cert.pub`), goodUntil, goodUntil);
}

function sshField(content) {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, Buffer.from(content)]);
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
  const sockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => undefined);
    if (request.headers.upgrade === "websocket") return sockets.handleUpgrade(request, socket, head, greet);
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

function greet(client) {
  client.send(Buffer.from("SSH-2.0-build\r\n"));
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
