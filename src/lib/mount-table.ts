import { readFile } from "node:fs/promises";

export interface MountEntry {
  readonly mountPoint: string;
  readonly fileSystem: string;
  readonly source: string;
  /** The file system's own options, as the kernel tells them. */
  readonly options: readonly string[];
}

/** What is mounted for this process, in the order of mounting. */
export async function readMountTable(): Promise<MountEntry[]> {
  return parseMountInfo(await readFile("/proc/self/mountinfo", "utf8"));
}

/** Mounts at `directory` or below it, the last one first: the order in which to unmount them. */
export async function mountsBelow(directory: string): Promise<MountEntry[]> {
  const entries = await readMountTable();
  return entries
    .filter(({ mountPoint }) => mountPoint === directory || mountPoint.startsWith(`${directory}/`))
    .toReversed();
}

export function parseMountInfo(text: string): MountEntry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .flatMap((line) => {
      const fields = line.split(" ");
      // Optional fields, of any number, end at a lone dash.
      const dash = fields.indexOf("-", 6);
      const [mountPoint, fileSystem, source, options] = [fields[4], ...fields.slice(dash + 1)];
      if (mountPoint === undefined || fileSystem === undefined || source === undefined) return [];
      return [
        {
          mountPoint: unescape(mountPoint),
          fileSystem,
          source: unescape(source),
          options: (options ?? "").split(","),
        },
      ];
    });
}

/** Blanks and backslashes are written in octal. */
const unescape = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
