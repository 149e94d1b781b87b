import { createServer } from "node:net";
import { defaultEnginePort } from "../../domain/engine-state.js";

const host = "127.0.0.1";

/** Who starts an engine on demand has named no port: the usual one, or any other where that is taken. */
export async function chooseListen(): Promise<string[]> {
  return (await isFree(defaultEnginePort)) ? [] : ["--listen", `${host}:0`];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ host, port }, () => server.close(() => resolve(true)));
  });
}
