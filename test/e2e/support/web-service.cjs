// A web app for inside a sandbox, bound to 127.0.0.1: its arguments are the port and the directory of the ws package.
const { createServer } = require("node:http");
const [port, ws] = process.argv.slice(2);
const { WebSocketServer } = require(ws);

const server = createServer((request, response) => {
  if (request.url === "/headers") response.end(JSON.stringify(request.headers));
  else if (request.url === "/events") sendEvents(response);
  else if (request.url === "/gigabyte") sendBytes(response, 1_000_000_000);
  else if (request.url === "/echo") request.pipe(response);
  else if (request.method === "POST") count(request, (bytes) => response.end(String(bytes)));
  else response.end("hello from inside");
});
new WebSocketServer({ server }).on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));

function sendEvents(response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    response.write(`data: ${sent}\n\n`);
    if (sent === 3) response.end();
  }, 50);
  response.on("close", () => clearInterval(timer));
}

function sendBytes(response, bytes) {
  const piece = Buffer.alloc(1_000_000);
  let left = bytes;
  const more = () => {
    while (left > 0) {
      left -= piece.length;
      if (!response.write(piece)) {
        response.once("drain", more);
        return;
      }
    }
    response.end();
  };
  more();
}

function count(request, done) {
  let bytes = 0;
  request.on("data", (chunk) => (bytes += chunk.length));
  request.on("end", () => done(bytes));
}
