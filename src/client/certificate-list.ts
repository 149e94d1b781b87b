import type { RootCertificates } from "./options/client.js";

/** As Node takes them. */
export const certificateList = (certificates: RootCertificates): (string | Buffer)[] =>
  (typeof certificates === "string" || certificates instanceof Uint8Array
    ? [certificates]
    : certificates
  ).map((certificate) => (typeof certificate === "string" ? certificate : Buffer.from(certificate)));
