import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TenkiError } from "../../domain/error.js";
import { KeyedMutex } from "../../lib/keyed-mutex.js";
import { ProcessError } from "../../lib/process.js";
import type { SshAuthority, SshCertificate, SshKeyPair, SshKeys } from "../core/ports/ssh-keys.js";
import { AuthorityFile, type KeptAuthority } from "./authority-file.js";
import { sshKeygen } from "./ssh-keygen.js";

/** Keys by OpenSSH's own `ssh-keygen`; the authority's lies in the data directory, and for moments what is worked on. */
export class OpensshKeys implements SshKeys {
  readonly #file: AuthorityFile;
  /** Replacing the key and signing with it take turns. */
  readonly #turns = new KeyedMutex();
  #authority: KeptAuthority | undefined;

  constructor(options: { readonly dataDir: string }) {
    this.#file = new AuthorityFile(join(options.dataDir, "ssh"));
  }

  async makePair(): Promise<SshKeyPair> {
    await this.authority(); // which sweeps first
    return this.#inScratch((scratch) => makeKey(join(scratch, "key")));
  }

  authority(): Promise<SshAuthority> {
    return this.#turns.run("authority", () => this.#settle());
  }

  replaceAuthority(trustFormerUntil: Date): Promise<SshAuthority> {
    return this.#turns.run("authority", async () => {
      const { file, publicKey, former } = await this.#settle();
      const fresh = await this.#make([{ publicKey, trustedUntil: trustFormerUntil }, ...former]);
      await this.#file.remove(file);
      return fresh;
    });
  }

  sign(certificate: SshCertificate): Promise<string> {
    return this.#turns.run("authority", async () => {
      const { file } = await this.#settle();
      return this.#inScratch(async (scratch) => {
        const subject = join(scratch, "subject.pub");
        await writeFile(subject, `${certificate.publicKey} ${certificate.keyId}\n`, { mode: 0o600 });
        const argv = [...signingArguments(certificate), "-s", join(this.#file.directory, file), subject];
        await sshKeygen(argv).catch(refuseKey);
        return (await readFile(join(scratch, "subject-cert.pub"), "utf8")).trim();
      });
    });
  }

  async #settle(): Promise<KeptAuthority> {
    if (this.#authority !== undefined) return this.#authority;
    const kept = await this.#file.read();
    await this.#file.sweep(kept?.file);
    return (this.#authority = kept ?? (await this.#make([])));
  }

  async #make(former: SshAuthority["former"]): Promise<KeptAuthority> {
    const file = await this.#file.newFile();
    const path = join(this.#file.directory, file);
    const { publicKey } = await makeKey(path);
    await rm(`${path}.pub`);
    const authority = { file, publicKey, former };
    await this.#file.write(authority);
    return (this.#authority = authority);
  }

  async #inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
    await mkdir(this.#file.directory, { recursive: true, mode: 0o700 });
    const scratch = await mkdtemp(join(this.#file.directory, "scratch-"));
    try {
      return await work(scratch);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
}

/** The file's mode is 0600, by ssh-keygen. */
async function makeKey(path: string): Promise<SshKeyPair> {
  await sshKeygen(["-t", "ed25519", "-N", "", "-C", "", "-f", path]);
  const [privateKey, publicKey] = await Promise.all([
    readFile(path, "utf8"),
    readFile(`${path}.pub`, "utf8"),
  ]);
  return { privateKey, publicKey: publicKey.trim() };
}

function signingArguments(certificate: SshCertificate): string[] {
  const { keyId, principals, serial, validFrom, validUntil, extensions } = certificate;
  const options = ["clear", ...extensions].flatMap((name) => ["-O", name]);
  return [
    ...["-I", keyId, "-n", principals.join(","), "-z", serial],
    ...["-V", `${stamp(validFrom)}:${stamp(validUntil)}`, ...options],
  ];
}

/** `20260131235959`, in UTC, which ssh-keygen is told is its own time. */
const stamp = (date: Date): string => date.toISOString().replace(/\D/g, "").slice(0, 14);

function refuseKey(error: unknown): never {
  if (!(error instanceof ProcessError)) throw error;
  throw new TenkiError(
    "invalid_argument",
    "public_key: OpenSSH cannot sign it: it is damaged, or of a kind unknown",
    {
      cause: error,
    },
  );
}
