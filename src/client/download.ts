import type { IncomingMessage } from "node:http";
import { certificateList } from "./certificate-list.js";
import { unreachable } from "./connection-error.js";
import { SandboxError } from "./errors.js";
import type { RootCertificates } from "./options/client.js";

export interface DownloadOptions {
  readonly rootCertificates?: RootCertificates | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a link leads to, as it comes. Throws where it is refused, and where it breaks off. */
export async function download(url: string, options: DownloadOptions): Promise<AsyncIterable<Uint8Array>> {
  const response = await get(new URL(url), options);
  if (response.statusCode === 200) return wholeBody(response, options.signal);
  const said = await shortText(response);
  const kind = response.statusCode === 404 ? "not_found" : "failed_precondition";
  throw new SandboxError(kind, said === "" ? `the link was answered with ${response.statusCode}` : said);
}

async function get(url: URL, { rootCertificates, signal }: DownloadOptions): Promise<IncomingMessage> {
  const { get: request } = await (url.protocol === "https:" ? import("node:https") : import("node:http"));
  const how = {
    ...(rootCertificates === undefined ? {} : { ca: certificateList(rootCertificates) }),
    ...(signal === undefined ? {} : { signal }),
  };
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(signal?.aborted === true ? (signal.reason as Error) : unreachable(url.origin, cause));
    request(url, how, resolve).on("error", fail);
  });
}

async function* wholeBody(
  response: IncomingMessage,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const chunk of response) yield chunk as Uint8Array;
  } catch (cause) {
    signal?.throwIfAborted();
    throw new SandboxError("data_loss", "the download broke off before its end", { cause });
  }
}

const longestText = 1_000;

async function shortText(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > longestText) break;
  }
  return text.slice(0, longestText).trim();
}
