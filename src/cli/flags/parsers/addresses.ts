import { egressRuleForms, formatEgressRule, readEgressRule } from "../../../domain/egress.js";
import type { Parser } from "./parser.js";
import { integer } from "./words.js";

/** In its one form. */
export const egressRule: Parser<string> = {
  noun: "destination",
  expected: egressRuleForms,
  read(word) {
    const rule = readEgressRule(word);
    return rule === undefined ? undefined : formatEgressRule(rule);
  },
};

/** `host:port`; a bare port is this machine's. */
export const hostPort: Parser<string> = {
  noun: "address",
  expected: "HOST:PORT, with a port from 1 to 65535, as in localhost:5432",
  read(word) {
    const [, host = "localhost", digits] = /^(?:(\[[^\]]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(word) ?? [];
    const port = Number(digits);
    return port >= 1 && port <= 65_535 ? `${host}:${port}` : undefined;
  },
};

export const port: Parser<number> = { ...integer({ min: 1, max: 65_535 }), noun: "port" };

/** An http:// or https:// address, or the word `local`. */
export const endpoint: Parser<string> = {
  noun: "endpoint",
  expected: "an address like https://api.tenki.cloud, or the word local",
  choices: ["local"],
  read: readEndpoint,
};

/** Where SSH goes through. */
export const gateway: Parser<string> = {
  noun: "gateway",
  expected: "an address like wss://gateway.example.com",
  read: (word) =>
    URL.canParse(word) && /^(ws|http)s?:$/.test(new URL(word).protocol)
      ? word.replace(/\/+$/, "")
      : undefined,
};

/** Part of a name of a host. */
export const slug: Parser<string> = {
  noun: "slug",
  expected: "3 to 63 lower-case letters, digits and inner hyphens, like demo-1",
  read: (word) => (/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(word) ? word : undefined),
};

/** Below which previews have names. */
export const domain: Parser<string> = {
  noun: "domain",
  expected: "the name of a domain, like preview.example.com",
  // Not one that ends in a number: an address, which no name can be below.
  read: (word) =>
    /^(?=.{1,180}$)(?!(.*\.)?\d+$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(
      word,
    )
      ? word.toLowerCase()
      : undefined,
};

export const listenAddress: Parser<string> = {
  noun: "address to listen on",
  expected: "ADDRESS:PORT with a port from 0 to 65535, as in 127.0.0.1:8365 or [::1]:0",
  read(word) {
    const match = /^(\[[0-9a-fA-F:]+\]|[^\s:[\]]+):(\d{1,5})$/.exec(word);
    return match !== null && Number(match[2]) <= 65_535 ? word : undefined;
  },
};

export const address: Parser<string> = {
  noun: "address",
  expected: "an IPv4 address",
  read: (word) =>
    /^(\d{1,3}\.){3}\d{1,3}$/.test(word) && word.split(".").every((part) => Number(part) < 256)
      ? word
      : undefined,
};

function readEndpoint(word: string): string | undefined {
  if (word === "local") return word;
  const protocol = URL.canParse(word) ? new URL(word).protocol : "";
  return protocol === "http:" || protocol === "https:" ? word.replace(/\/+$/, "") : undefined;
}
