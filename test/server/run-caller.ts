import { once } from "node:events";
import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { SandboxSessionDataPlaneServiceRunRequestSchema } from "../../src/gen/tenki/sandbox/v1/sandbox_pb.js";

/** Runs `wait` in a session, says `running` once it does, and then stays: `url session header…` are its arguments. */
const [url = "", sessionId = "", ...headers] = process.argv.slice(2);

const message = toBinary(
  SandboxSessionDataPlaneServiceRunRequestSchema,
  create(SandboxSessionDataPlaneServiceRunRequestSchema, {
    frame: { payload: { case: "start", value: { sessionId, cmd: ["wait"], streamStdin: true } } },
  }),
);
const head = Buffer.alloc(5);
head.writeUInt32BE(message.length, 1);
const session = connect(url);
const stream = session.request({
  ":method": "POST",
  ":path": "/tenki.sandbox.v1.SandboxSessionDataPlaneService/Run",
  "content-type": "application/grpc+proto",
  te: "trailers",
  "x-tenki-session-cert": `cert:${sessionId}`,
  ...Object.fromEntries(headers.map((line) => line.split("=", 2) as [string, string])),
});
stream.write(Buffer.concat([head, message]));
await once(stream, "data");
process.stdout.write("running\n");
