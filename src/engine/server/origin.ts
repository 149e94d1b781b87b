import type { Interceptor } from "@connectrpc/connect";
import { TenkiError } from "../../domain/error.js";
import { isLoopbackHost } from "./listen-address.js";

/** Web pages have no business here: a browser names the page's origin in whatever it sends for it. */
export const refuseForeignOrigins = (): Interceptor => (next) => (request) => {
  if (!isAllowedOrigin(request.header.get("origin"))) {
    throw new TenkiError("permission_denied", "requests from web pages of other hosts are refused");
  }
  return next(request);
};

export function isAllowedOrigin(origin: string | null | undefined): boolean {
  if (origin === null || origin === undefined) return true;
  try {
    return isLoopbackHost(new URL(origin).hostname);
  } catch {
    return false;
  }
}
