/**
 * In place of the SSH bridge's WebSocket, between our command line and our engine on one machine: an upgrade of the same
 * path, after which the client sends half of a pair of sockets, beside one byte, and nothing else. The server inside has
 * that for its connection. What comes down are the run lane's frames: `message` for what the WebSocket says as text,
 * `end` for how it closes.
 */
export const sshLaneProtocol = "tenki-ssh-wire";

/** The content of an `end` frame. */
export interface SshLaneEnd {
  /** As a WebSocket has it. */
  readonly code: number;
  readonly reason: string;
}
