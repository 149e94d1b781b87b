import type { Duplex } from "node:stream";

/** Why nobody is let through at this moment. */
export type Refusal = "expired" | "unbound" | "paused" | "starting" | "ended" | "private";

/** From a door to a port of a sandbox. */
export interface Way {
  /** Connections are worth keeping for requests of the same key only. */
  readonly key: string;
  readonly port: number;
  /** As `Runtime.dial`. */
  dial(signal: AbortSignal): Promise<Duplex>;
  /** Something passes: the session is busy until the returned function is called. */
  begin(): () => void;
  /** Bytes passed on a connection that may as well lie idle. */
  touch(): void;
}

export type Admission =
  { readonly admitted: true; readonly way: Way } | { readonly admitted: false; readonly why: Refusal };

/** Asked about everybody who comes to a door; answers at once. */
export interface Gate {
  /** Only who has been given a token is let in. */
  readonly isPrivate: boolean;
  admit(viewerToken?: string): Admission;
}

export interface DoorSpec {
  readonly id: string;
  readonly protocol: "http" | "tcp";
  readonly gate: Gate;
}

/** Where previews are reached from outside. */
export interface Doors {
  /** Listens on this machine's loopback, on `wantedPort` where that is free; resolves with the port. */
  open(door: DoorSpec, wantedPort?: number): Promise<number>;
  /** Connections are cut; who comes again is asked about again. */
  cut(id: string): void;
  /** Nobody is heard any more. One that is not open is no error. */
  close(id: string): void;
}
