/** What a tunnel's caller says. */
export type TunnelUp =
  | { readonly kind: "data"; readonly id: number; readonly data: Uint8Array }
  /** It has said its last on this connection. */
  | { readonly kind: "half_close"; readonly id: number }
  /** The connection is over; id 0 is the tunnel. */
  | { readonly kind: "close"; readonly id: number; readonly reason: string }
  | { readonly kind: "pong" };

/** What it is told. */
export type TunnelDown =
  | { readonly kind: "accept"; readonly id: number; readonly sourceAddress: string }
  | { readonly kind: "data"; readonly id: number; readonly data: Uint8Array }
  | { readonly kind: "half_close"; readonly id: number }
  | { readonly kind: "close"; readonly id: number; readonly reason: string }
  | { readonly kind: "ping"; readonly id: number };
