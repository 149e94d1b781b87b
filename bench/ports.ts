import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../src/client/index.js";
import { runProcess } from "../src/lib/process.js";
import { timeProcess } from "./measure.js";
import type { TenkiPeer } from "./tenki.js";

/** The same small web service twice: on this machine, and in a sandbox behind an exposed port. */
export interface WebPeer {
  readonly direct: string;
  readonly exposed: string;
  close(): Promise<void>;
}

const service = `
const { createServer } = require("node:http");
const piece = Buffer.alloc(1_000_000);
const server = createServer((request, response) => {
  if (request.method === "POST") return void request.resume().on("end", () => response.end());
  if (request.url !== "/large") return void response.end("hello");
  let left = 1_000;
  const more = () => {
    for (; left > 0; left -= 1) if (!response.write(piece)) return void response.once("drain", () => (left -= 1, more()));
    response.end();
  };
  more();
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log(server.address().port));
`;

export async function startWebPeer(peer: TenkiPeer): Promise<WebPeer> {
  const directory = await mkdtemp(join(tmpdir(), "tenki-bench-web-"));
  const file = join(directory, "service.cjs");
  await writeFile(file, service);
  const here = spawn(process.execPath, [file, "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(here.stdout, "data")) as [Buffer];
  const client = new Client({ authToken: peer.token, baseUrl: peer.endpoint });
  const session = await client.create({ name: "bench-web", allowInbound: true });
  for (const [from, to] of [
    [process.execPath, "bench-web:node"],
    [file, "bench-web:service.cjs"],
  ] as const)
    await timeProcess(peer.command("sandbox", "cp", from, to), peer.env);
  const start =
    "setsid ./node service.cjs 3000 > log 2>&1 < /dev/null & until grep -q 3000 log; do sleep 0.05; done";
  await session.exec("sh", { args: ["-c", start] });
  const { previewUrl } = await session.exposePort(3000);
  return {
    direct: `http://127.0.0.1:${said.toString().trim()}`,
    exposed: previewUrl,
    async close() {
      here.kill("SIGKILL");
      await session.close();
      client.close();
      await rm(directory, { recursive: true });
    },
  };
}

const forSeconds = 5;

/** Small requests over connections that are kept, as many as go through: the time of a thousand, in milliseconds. */
export async function timeRequests(url: string, connections: number): Promise<number> {
  const said = await runProcess(["wrk", "-t2", `-c${connections}`, `-d${forSeconds}s`, url], {
    timeoutMs: 60_000,
  });
  const trouble = /Socket errors.*|Non-2xx.*/.exec(said);
  if (trouble !== null) throw new Error(`wrk with ${connections} connections to ${url}: ${trouble[0]}`);
  return 1_000_000 / Number(/Requests\/sec: +([\d.]+)/.exec(said)?.[1]);
}

export const timeDownload = (url: string): Promise<number> =>
  timeProcess(["curl", "-sSf", "-o", "/dev/null", `${url}/large`]);

export const timeUpload = (url: string): Promise<number> =>
  timeProcess(["sh", "-c", 'head -c 1000000000 /dev/zero | curl -sSf -X POST -T - "$0"', url]);
