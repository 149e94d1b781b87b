import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { describe, it } from "node:test";
import { HostConnections, type TunnelFrame } from "../../src/client/connections/host-connections.js";
import type { TunnelConnectionEvent } from "../../src/client/options/connections.js";

/** Listens, accepts nothing, and has no place left where a connection could wait: the kernel drops what comes. */
const full = `
import socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
clients = [socket.socket() for _ in range(4)]
for client in clients:
    client.setblocking(False)
    client.connect_ex(server.getsockname())
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`;

describe("a tunnel's connections to a host", () => {
  it("end where it does not answer, which says so, and is told inside", async () => {
    const child = spawn("python3", ["-c", full], { stdio: ["pipe", "pipe", "inherit"] });
    const frames: TunnelFrame[] = [];
    try {
      const [port] = (await once(createInterface(child.stdout), "line")) as [string];
      const told = new Promise<TunnelConnectionEvent>((resolve) => {
        const connections = new HostConnections(
          { host: "127.0.0.1", port: Number(port) },
          (frame) => Promise.resolve(frames.push(frame) > 0),
          (event) => event.event === "failed" && resolve(event),
          200,
        );
        connections.open(7n, "127.0.0.1:4000");
      });
      const { id, error } = await told;
      assert.equal(id, 7);
      assert.equal(error?.message, `127.0.0.1:${port} does not answer`);
      assert.deepEqual(frames, [{ kind: "close", id: 7n, reason: "host_error" }]);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
