import { existsSync } from "node:fs";
import { join } from "node:path";
import { TenkiError } from "../domain/error.js";
import type { Logger } from "../lib/logger.js";
import type { Disks } from "./core/ports/disks.js";
import type { VolumeDisks } from "./core/ports/volume-disks.js";
import type { Images } from "./core/ports/images.js";
import type { SandboxParts } from "./core/sessions/sandbox-parts.js";
import type { Storage } from "./disks/loop-storage.js";
import { noSnapshots } from "./disks/no-snapshots.js";

/** What sandboxes are made from, chosen by how they are to be held apart. */
export interface Isolation extends SandboxParts {
  /** Said at every start, where something that one would count on is missing. */
  readonly warnings: readonly string[];
  /** Nothing of the engine stays outside its data directory, where no session is left. */
  close(options: { readonly sessionsLeft: boolean }): Promise<void>;
}

export interface IsolationOptions {
  readonly dataDir: string;
  readonly instanceId: string;
  readonly guestBinary: string;
  readonly ociRuntime?: string | undefined;
  readonly dnsServers?: readonly string[] | undefined;
  readonly log: Logger;
}

/** Adapters are loaded when they are chosen: an engine of one kind pays nothing for the others. */
const kinds: Readonly<Record<string, (options: IsolationOptions) => Promise<Isolation>>> = {
  container: async (options) =>
    (await withoutRoot())
      ? containersWithoutRoot(options, await delegatedCgroup(options))
      : containers(options),
  namespaces: async (options) =>
    (await withoutRoot()) ? containersWithoutRoot(options, undefined) : containers(options, false),
  process: processes,
};

export const defaultIsolation = "container";

export function createIsolation(kind: string, options: IsolationOptions): Promise<Isolation> {
  const create = kinds[kind];
  if (create !== undefined) return create(options);
  throw new TenkiError("failed_precondition", `there is no isolation "${kind}"`, {
    hint: `one of: ${Object.keys(kinds).join(", ")}`,
  });
}

const withoutRoot = async (): Promise<boolean> => (await import("./rootless/is-rootless.js")).isRootless();

const unlimited = "--isolation namespaces: nothing bounds a sandbox's processor time, memory and processes";

async function containers(options: IsolationOptions, limited = true): Promise<Isolation> {
  const [{ createOciRuntime }, { createHostImages }, { createVethNetwork }] = await Promise.all([
    import("./runtime/oci-runtime.js"),
    import("./images/host-images.js"),
    import("./network/veth-network.js"),
  ]);
  const runtime = await createOciRuntime({ ...options, limited });
  const network = await createVethNetwork(options);
  const images = createHostImages(options);
  const bounded = existsSync("/dev/loop-control");
  const volumes = bounded ? await loopVolumes(options) : await directoryVolumes(options);
  const storage = await (bounded ? loopStorage : directoryStorage)(options, images, false);
  const { disks, snapshots } = storage;
  return {
    ...{ runtime, network, images, disks, volumes, snapshots },
    warnings: [
      ...(limited ? [] : [unlimited]),
      ...(bounded ? [] : ["this machine has no loop devices: the size of a sandbox's disk is not bounded"]),
      ...storage.warnings,
    ],
    async close({ sessionsLeft }) {
      await storage.close();
      await network.close({ removeShared: !sessionsLeft });
    },
  };
}

/** The user's own part of the cgroups, to put sandboxes in; without one, limits cannot hold. */
async function delegatedCgroup({ instanceId }: IsolationOptions): Promise<string> {
  const { divideCgroup, findDelegatedCgroup } = await import("./rootless/delegated-cgroup.js");
  const { path, missing } = findDelegatedCgroup();
  if (path !== undefined) {
    divideCgroup(path);
    return join(path, `tenki-${instanceId}`);
  }
  throw new TenkiError(
    "failed_precondition",
    `sandboxes cannot be limited: this user's cgroup does not control ${missing.join(", ")}`,
    {
      hint: "systemd-run --user --scope -p Delegate=yes tenki engine start; or without limits: --isolation namespaces",
    },
  );
}

async function containersWithoutRoot(
  options: IsolationOptions,
  cgroupParent: string | undefined,
): Promise<Isolation> {
  const [{ createOciRuntime }, { createHostImages }, { createSlirpNetwork }, holder] = await Promise.all([
    import("./runtime/oci-runtime.js"),
    import("./images/host-images.js"),
    import("./network/slirp-network.js"),
    import("./rootless/namespace-holder.js"),
  ]);
  const limited = cgroupParent !== undefined;
  const runtime = await createOciRuntime({ ...options, cgroupParent, limited });
  const network = await createSlirpNetwork(options);
  const images = createHostImages(options);
  const storage = await directoryStorage(options, images, true);
  const { disks, snapshots } = storage;
  await holder.holdNamespaces(options.dataDir);
  return {
    ...{ runtime, network, images, disks, snapshots },
    volumes: await directoryVolumes(options),
    warnings: [...(limited ? [] : [unlimited]), "without root the size of a sandbox's disk is not bounded"],
    async close({ sessionsLeft }) {
      await storage.close();
      await network.close({ removeShared: !sessionsLeft });
      if (!sessionsLeft) await holder.releaseNamespaces(options.dataDir);
    },
  };
}

async function processes(options: IsolationOptions): Promise<Isolation> {
  const [{ createProcessRuntime, noVolumes }, { hostNetwork }, { hostImage }] = await Promise.all([
    import("./processes/process-runtime.js"),
    import("./processes/host-network.js"),
    import("./processes/host-image.js"),
  ]);
  const disks = await directoryDisks(options);
  return {
    runtime: createProcessRuntime(options),
    network: hostNetwork,
    disks,
    volumes: await directoryVolumes({ ...options, unavailable: noVolumes }),
    snapshots: noSnapshots(
      "snapshots are not to be had with --isolation process: its disks are plain directories",
    ),
    images: hostImage,
    warnings: [
      "--isolation process is no boundary: what runs in a session can do whatever the user of this engine can",
    ],
    close: () => disks.close(),
  };
}

async function loopStorage(options: IsolationOptions, images: Images): Promise<Storage> {
  const { createLoopStorage } = await import("./disks/loop-storage.js");
  return createLoopStorage({ ...options, imageMounts: defaultMounts(images) });
}

async function directoryStorage(
  options: IsolationOptions,
  images: Images,
  rootless: boolean,
): Promise<Storage> {
  const { createDirectoryStorage } = await import("./disks/directory-storage.js");
  return createDirectoryStorage({ ...options, rootless, imageMounts: defaultMounts(images) });
}

const defaultMounts = (images: Images) => async () => (await images.resolve("")).mounts;

async function directoryDisks(options: IsolationOptions): Promise<Disks> {
  const { createDirectoryDisks } = await import("./disks/directory-disks.js");
  return createDirectoryDisks(options);
}

async function loopVolumes(options: IsolationOptions): Promise<VolumeDisks> {
  const { createLoopVolumes } = await import("./disks/loop-volumes.js");
  return createLoopVolumes(options);
}

async function directoryVolumes(
  options: IsolationOptions & { readonly unavailable?: string },
): Promise<VolumeDisks> {
  const { createDirectoryVolumes } = await import("./disks/directory-volumes.js");
  return createDirectoryVolumes(options);
}
