/** The link's words; docs/guest-protocol.md tells the story, src/guest/protocol.h is the other end. */
export const protocolVersion = 2;

export const headerBytes = 5;
/** What the guest takes as a first frame. */
export const requestBytesMax = 4 << 20;
/** What either side takes as any later frame. */
export const dataBytesMax = 256 << 10;

/** A terminal's rows and columns, as the kernel keeps them. */
export const terminalSizeMax = 0xffff;

export const request = {
  ping: 0x01,
  run: 0x02,
  prepare: 0x03,
  attach: 0x04,
  place: 0x05,
  dial: 0x06,
  listen: 0x07,
  accept: 0x08,
  read: 0x10,
  write: 0x11,
  stat: 0x12,
  mkdir: 0x13,
  remove: 0x14,
  list: 0x15,
} as const;

export const up = {
  stdin: 0x20,
  stdinClose: 0x21,
  signal: 0x22,
  data: 0x23,
  end: 0x24,
  resize: 0x25,
  hangUp: 0x26,
} as const;

export const down = {
  pong: 0x80,
  started: 0x81,
  spawnFailed: 0x82,
  stdout: 0x83,
  stderr: 0x84,
  stdinTaken: 0x85,
  exit: 0x86,
  attached: 0x87,
  connected: 0x88,
  listening: 0x89,
  size: 0x90,
  data: 0x91,
  end: 0x92,
  done: 0x93,
  info: 0x94,
  entries: 0x95,
  error: 0x9f,
} as const;

/** Beside the mode of a file that `prepare` or `place` writes: it is the sandbox's user's. */
export const userOwns = 0x10000;

export const runFlags = { privileged: 1, pty: 2, stdin: 4, letGo: 8 } as const;

/** What an errno alone does not say. */
export const errorReason = {
  none: 0,
  outsideHome: 1,
  notRegular: 2,
  badRequest: 3,
  notKept: 4,
  pathDenied: 5,
} as const;

/** What a `dial` request names. */
export const dialKinds = { port: 0, unixSocket: 1 } as const;
