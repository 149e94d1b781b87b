import type { Parser } from "./parser.js";
import { orEmpty } from "./words.js";

export interface VolumeMount {
  readonly volume: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
}

/** A volume by its id or its name. */
export const volume: Parser<string> = {
  noun: "volume",
  expected: "the id or the name of a volume",
  read: orEmpty,
};

export const volumeName: Parser<string> = {
  noun: "name",
  expected: 'up to 64 characters, none of them ":" or "/"',
  read: (word) => (word.trim() === word && /^[^:/\p{C}]{1,64}$/u.test(word) ? word : undefined),
};

export const volumeMount: Parser<VolumeMount> = {
  noun: "volume",
  expected: "id-or-name:/path, with :ro at its end for one that is only read",
  read(word) {
    const [, volume = "", mountPath = "", mode] = /^([^:]+):(\/[^:]*)(:ro|:rw)?$/.exec(word) ?? [];
    return volume === "" ? undefined : { volume, mountPath, readOnly: mode === ":ro" };
  },
};
