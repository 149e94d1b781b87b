import { TenkiError } from "../../domain/error.js";
import { nearestWord } from "../../lib/nearest-word.js";

/** What the config file may hold; `secret` values are blanked where they are listed. */
const configKeys = {
  auth_token: { summary: "the token that requests carry", secret: true },
  api_endpoint: { summary: "the service's address, or the word local", secret: false },
  gateway: { summary: "the SSH gateway's address", secret: false },
  workspace_id: { summary: "the workspace for what is made and listed", secret: false },
  project_id: { summary: "the project, deprecated by the service", secret: false },
  current_session_id: { summary: "the session that commands are for when none is named", secret: false },
} as const;

export type ConfigKey = keyof typeof configKeys;

export const configKeyNames = Object.keys(configKeys) as readonly ConfigKey[];

/** Keys of other programs may be in the file as well: what looks like a secret is treated as one. */
export const isSecretKey = (key: string): boolean =>
  (key in configKeys && configKeys[key as ConfigKey].secret) || /token|secret|password|api_?key/i.test(key);

export function knownKey(key: string): ConfigKey {
  if (Object.hasOwn(configKeys, key)) return key as ConfigKey;
  const near = nearestWord(key, configKeyNames);
  throw new TenkiError("usage", `unknown key "${key}"${near === undefined ? "" : `, did you mean ${near}?`}`);
}
