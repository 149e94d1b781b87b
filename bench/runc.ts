import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { resolve } from "node:path";
import type { Client } from "../src/client/index.js";
import type { OciConfig } from "../src/engine/runtime/bundle.js";
import type { Overlay } from "../src/engine/runtime/overlay.js";
import { startDetached } from "../src/engine/runtime/start-detached.js";
import { tryProcess } from "../src/lib/process.js";
import type { TenkiPeer } from "./tenki.js";

/** Containers by nothing but runc: of the root, the settings, the disk and the network of a session that is there. */
export interface RuncPeer {
  /** The time of `runc create` and `runc start`; what was started is removed after it. */
  time(): Promise<number>;
}

export async function prepareRuncPeer(peer: TenkiPeer, client: Client): Promise<RuncPeer | undefined> {
  if ((await tryProcess(["runc", "--version"]).catch(() => undefined)) === undefined) return undefined;
  const session = await client.create({ name: "bench-runc" });
  const directory = join(peer.dataDir, "sessions", session.id);
  const model = JSON.parse(await readFile(join(directory, "config.json"), "utf8")) as OciConfig;
  const pid = (await readFile(join(directory, "pid"), "utf8")).trim();
  const mounted = readOverlays(await readFile(`/proc/${pid}/mountinfo`, "utf8"));
  let made = 0;
  return {
    async time() {
      made += 1;
      const id = `bench-runc-${process.pid}-${made}`;
      const bundle = join(peer.dataDir, id);
      const root = join(bundle, "root");
      await mkdir(root, { recursive: true });
      await writeFile(join(bundle, "config.json"), JSON.stringify(ownConfig(model, root, id)));
      const overlays = await Promise.all(mounted.map((overlay) => withOwnLayer(overlay, root, id)));
      const runc = ["runc", "--root", join(peer.dataDir, "bench-runc")];
      const layers = overlays.flatMap(({ options, target }) => [options, target]);
      const start = performance.now();
      await run([
        ...[resolve("dist/tenki-guest"), "layers", ...layers, "--"],
        ...[...runc, "create", "--bundle", bundle, id],
      ]);
      await run([...runc, "start", id]);
      const ms = performance.now() - start;
      await run([...runc, "delete", "--force", id]);
      await rm(bundle, { recursive: true });
      return ms;
    },
  };
}

/** Nothing of the session's but what it looks like: a program that waits, in a cgroup of its own. */
function ownConfig(model: OciConfig, root: string, id: string): OciConfig {
  const { cgroupsPath } = model.linux as { cgroupsPath?: string };
  return {
    ...model,
    root: { ...model.root, path: root },
    process: { ...model.process, args: ["/usr/bin/sleep", "86400"] },
    linux: {
      ...model.linux,
      ...(cgroupsPath === undefined ? {} : { cgroupsPath: join(dirname(cgroupsPath), id) }),
    },
  };
}

/** What lies over what in the session, as its kernel tells. */
function readOverlays(mountinfo: string): Overlay[] {
  return mountinfo.split("\n").flatMap((line) => {
    const [, , , , target = ""] = line.split(" ");
    const [, type, , options = ""] = /^.* - (\S+) (\S+) (\S+)$/.exec(line) ?? [];
    return type === "overlay" ? [{ target, options }] : [];
  });
}

/** The same, with a writable layer of its own on the same disk. */
async function withOwnLayer({ target, options }: Overlay, root: string, id: string): Promise<Overlay> {
  const lower = /lowerdir=([^,]+)/.exec(options)?.[1] ?? "";
  const upper = /upperdir=([^,]+)/.exec(options)?.[1] ?? "";
  const own = join(dirname(upper), id, basename(upper));
  await mkdir(own, { recursive: true });
  await mkdir(`${own}.work`);
  const layers = [`lowerdir=${lower}`, `upperdir=${own}`, `workdir=${own}.work`];
  return { target: join(root, target), options: [...layers, "redirect_dir=on", "index=off"].join(",") };
}

async function run(argv: readonly string[]): Promise<void> {
  const result = await startDetached(argv, { timeoutMs: 30_000, signal: new AbortController().signal });
  if (result.exitCode !== 0)
    throw new Error(`${argv.join(" ")} ended with ${result.exitCode}: ${result.stderr}`);
}
