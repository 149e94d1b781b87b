import { flag, optionalValue } from "../flags/flag.js";
import { filled, oneOf } from "../flags/parsers/words.js";
import { gateway } from "../flags/parsers/addresses.js";
import { localFile } from "../flags/parsers/paths.js";
import type { Parser } from "../flags/parsers/parser.js";
import { parseGoDuration } from "../../lib/go-duration.js";
import { toggle } from "../flags/flag.js";

export const gatewayFlag = {
  gateway: flag("URL", "the SSH gateway's address (default: the one that the service names)", gateway),
};

export const identityFlag = {
  identityFile: flag("FILE", "a key of yours, in place of the one that tenki has", localFile),
};

/** Seconds: ssh knows nothing finer. */
const connectTimeout: Parser<number> = {
  noun: "duration",
  expected: "more than 0, like 10s or 1m; a number alone is seconds",
  read(word) {
    const ms = /^\d{1,6}$/.test(word) ? Number(word) * 1_000 : parseGoDuration(word);
    return ms === undefined || !(ms > 0) ? undefined : Math.ceil(ms / 1_000);
  },
};

const checking = oneOf("answer", ["yes", "no", "accept-new", "ask", "true", "false"]);

/** How ssh is called; the same for what calls it and for what prints the call. */
export const sshFlags = {
  user: flag("NAME", "who to log in as: root or tenki (default: root)", filled),
  ...identityFlag,
  batchMode: toggle("never ask for anything"),
  connectTimeout: flag("DURATION", "how long the connection may take to come about", connectTimeout),
  strictHostKeyChecking: optionalValue(
    "HOW",
    "whether the server has to have the key that is known: yes, no, accept-new or ask (default: yes)",
    checking,
  ),
  ...gatewayFlag,
};
