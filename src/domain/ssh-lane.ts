/**
 * In place of the SSH bridge's WebSocket, between our command line and our engine on one machine: an upgrade of the same
 * path, after which the client sends one byte once a process reads there that can receive a descriptor, and nothing else.
 * What comes down is one byte, and beside it half of a pair of sockets, whose other half the server inside has for its
 * connection; then the run lane's frames: `message` for what the WebSocket says as text, `end` for how it closes. Where
 * no socket is to be had, `end` comes at once.
 */
export const sshLaneProtocol = "tenki-ssh-wire";

/** The content of an `end` frame. */
export interface SshLaneEnd {
  /** As a WebSocket has it. */
  readonly code: number;
  readonly reason: string;
}

/**
 * In the answer to who has opened it with the API's token: a credential for the session, and until when it is good (ms
 * since 1970), with a space between. In `x-tenki-session-cert` it opens the same lane in the token's place.
 */
export const sshPassHeader = "x-tenki-ssh-pass";
