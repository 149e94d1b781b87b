import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProcess } from "../../../src/lib/process.js";

export interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Who has signed it: what a client has to trust. */
  readonly authority: string;
}

/** Makes an authority and lets it sign a certificate for `names` (`DNS:localhost,IP:127.0.0.1`); paths of PEM files. */
export async function issueCertificate(directory: string, names: string): Promise<Certificate> {
  const at = (name: string) => join(directory, name);
  const [authority, authorityKey] = [at("authority.pem"), at("authority-key.pem")];
  const [certificate, key, request] = [at("certificate.pem"), at("key.pem"), at("request.pem")];
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await runProcess([
    ...["openssl", "req", "-x509", ...newKey, "-subj", "/CN=authority", "-days", "2"],
    ...["-addext", "keyUsage=critical,keyCertSign", "-keyout", authorityKey, "-out", authority],
  ]);
  await runProcess([
    ...["openssl", "req", ...newKey, "-subj", "/CN=engine", "-keyout", key, "-out", request],
  ]);
  await writeFile(at("names"), `subjectAltName=${names}\nextendedKeyUsage=serverAuth\n`);
  await runProcess([
    ...["openssl", "x509", "-req", "-in", request, "-CA", authority, "-CAkey", authorityKey],
    ...["-CAcreateserial", "-days", "2", "-extfile", at("names"), "-out", certificate],
  ]);
  return { certificate, key, authority };
}
