/**
 * In place of the SSH bridge's WebSocket, between our command line and our engine on one machine: an upgrade of the same
 * path, after which the client's bytes go up as they are, and the server's come down in the run lane's frames: `data` for
 * bytes, `message` for what the WebSocket says as text, `end` for how it closes.
 */
export const sshLaneProtocol = "tenki-ssh";

/** The content of an `end` frame. */
export interface SshLaneEnd {
  /** As a WebSocket has it. */
  readonly code: number;
  readonly reason: string;
}
