import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createInterface } from "node:readline";

/**
 * A git server over HTTP: what lies below `public` is everybody's, what lies below `private` wants a login, and
 * what lies below `held` answers once a line was read on stdin. Says on stdout what it was asked for, and as whom.
 */
const [root = "", host = "", ...ports] = process.argv.slice(2);
const login = process.env["GIT_SERVER_LOGIN"];

const lines = createInterface({ input: process.stdin });
const released = new Promise<void>((resolve) => lines.once("line", () => resolve()));
lines.once("close", () => process.exit(0));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function answer(request: IncomingMessage, response: ServerResponse, port: string): Promise<void> {
  const url = new URL(request.url ?? "/", "http://server");
  const given = Buffer.from(
    (request.headers.authorization ?? "").replace(/^Basic /, ""),
    "base64",
  ).toString();
  say(`${port} ${request.method ?? ""} ${url.pathname} ${given === "" ? "-" : given}`);
  if (url.pathname.startsWith("/held/")) await released;
  if (url.pathname.startsWith("/private/") && given !== login) {
    response.writeHead(401, { "www-authenticate": 'Basic realm="git"' });
    response.end();
    return;
  }
  serve(request, response, url);
}

/** By git's own CGI program. */
function serve(request: IncomingMessage, response: ServerResponse, url: URL): void {
  const env = {
    PATH: process.env["PATH"],
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: url.pathname,
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers["content-type"] ?? "",
    HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
    GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
    // The repositories are somebody else's than this process.
    ...{ GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" },
  };
  const backend = spawn("git", ["http-backend"], { env, stdio: ["pipe", "pipe", "inherit"] });
  request.pipe(backend.stdin);
  backend.stdin.on("error", () => undefined);
  const chunks: Buffer[] = [];
  backend.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  backend.on("close", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    const headers = all
      .subarray(0, end)
      .toString()
      .split("\r\n")
      .map((line) => line.split(": ", 2));
    const status = headers.find(([name]) => name === "Status")?.[1] ?? "200";
    for (const [name = "", value = ""] of headers) if (name !== "Status") response.setHeader(name, value);
    response.writeHead(Number.parseInt(status, 10));
    response.end(all.subarray(end + 4));
  });
}

let waiting = ports.length;
for (const port of ports) {
  const server = createServer((request, response) => void answer(request, response, port));
  server.listen(Number(port), host, () => {
    waiting -= 1;
    if (waiting === 0) say("ready");
  });
}
