import { spawn } from "node:child_process";
import { createSocket, type Socket as Datagrams } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { TenkiError } from "../../../domain/error.js";
import { startDeadline } from "../../../lib/deadline.js";

/** Where questions about names are heard. */
export interface NameSockets {
  readonly datagrams: Datagrams;
  readonly server: Server;
}

/** At an address of this machine's, at ports that are free. */
export async function listenAt(address: string): Promise<NameSockets> {
  const [datagrams, server] = [createSocket("udp4"), createServer()];
  datagrams.bind(0, address);
  server.listen(0, address);
  await Promise.all([once(datagrams, "listening"), once(server, "listening")]);
  return { datagrams, server };
}

const timeoutMs = 10_000;

/** A socket belongs to the namespace that it was made in, whoever holds it: this makes them there, hands them over and ends. */
const makeSockets = `
const datagrams = require("node:dgram").createSocket("udp4");
const server = require("node:net").createServer();
const [address] = process.argv.slice(1);
datagrams.bind(53, address, () => server.listen(53, address, () =>
  process.send("datagrams", datagrams, () => process.send("server", server, () => process.exit(0)))));
`;

/** At the port for names of an address that is a sandbox's own: nothing of this machine's listens. */
export async function listenInside(namespacePath: string, address: string): Promise<NameSockets> {
  const child = spawn("nsenter", [`--net=${namespacePath}`, process.execPath, "-e", makeSockets, address], {
    env: { PATH: process.env["PATH"] },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    cwd: "/",
  });
  const deadline = startDeadline(timeoutMs);
  const got: { datagrams?: Datagrams; server?: Server } = {};
  let said = "";
  child.stderr?.on("data", (text: Buffer) => (said = `${said}${text.toString()}`.slice(-1_000)));
  child.on("message", (name: "datagrams" | "server", handle) => Object.assign(got, { [name]: handle }));
  try {
    const { signal } = deadline;
    await Promise.all([once(child, "disconnect", { signal }), once(child, "close", { signal })]);
    const { datagrams, server } = got;
    if (datagrams !== undefined && server !== undefined) return { datagrams, server };
    throw new Error(/^\w*Error: (.*)$/m.exec(said)?.[1] ?? said);
  } catch (error) {
    child.kill("SIGKILL");
    got.datagrams?.close();
    got.server?.close();
    const why = error instanceof Error ? error.message : String(error);
    throw new TenkiError("internal", `cannot hear a sandbox's questions about names: ${why}`);
  } finally {
    deadline.clear();
  }
}
