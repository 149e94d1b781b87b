import type { Socket } from "node:net";
import { createContextKey } from "@connectrpc/connect";

/** Where a call comes by the lane: the socket that its answers are written to, one before the next is asked for. */
export const laneSocket = createContextKey<Socket | undefined>(undefined);
