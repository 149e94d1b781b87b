/**
 * The contract's `Run` over a plain HTTP/1.1 upgrade, between our command line and our engine: the same messages in
 * their JSON form, and the bytes of the streams as they are.
 */
export const runLanePath = "/v1/run";
export const laneProtocol = "tenki-run";
/** In an answer to `Run`: the service has this lane, too. */
export const laneHeader = "x-tenki-run-lane";
/** With it: the path of a unix socket that has it as well, for clients on the same machine; percent-encoded. */
export const laneSocketHeader = "x-tenki-run-lane-socket";
/** Names a command that its caller may come back to; in the answer: it may. */
export const executionHeader = "x-tenki-execution";

/** Kinds of frames. */
export const laneFrames = {
  /** Up a RunRequest, down a RunResponse. */
  message: 0,
  /** Up stdin, down stdout. */
  data: 1,
  stderr: 2,
  /** Up: the caller lets go of its command. Down: the call has failed, `{code, message}`. */
  end: 3,
  /** Down, first of all, where the command is kept: the id that it is kept under. */
  kept: 4,
} as const;

export const laneRules = {
  /** Room for arguments and an environment as large as the kernel takes. */
  maxBytes: 4 << 20,
  inPieces: new Set<number>([laneFrames.data, laneFrames.stderr]),
};
