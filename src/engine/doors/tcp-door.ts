import { createServer, type Server, type Socket } from "node:net";
import type { Entrance } from "./entrance.js";
import { joinStreams } from "./join-streams.js";
import type { Upstream } from "./upstream.js";

/** Carries bytes, whatever they say. Who cannot be let through is hung up on. */
export function createTcpDoor({ gate }: Entrance, upstream: Upstream): Server {
  return createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    carry(socket).catch(() => socket.resetAndDestroy());
  });

  async function carry(socket: Socket): Promise<void> {
    const admission = gate.admit();
    if (!admission.admitted) {
      socket.resetAndDestroy();
      return;
    }
    const { way } = admission;
    const inside = await upstream.connect(way);
    if (socket.destroyed) {
      inside.destroy();
      return;
    }
    way.begin()();
    await joinStreams(socket, inside, () => way.touch());
  }
}
