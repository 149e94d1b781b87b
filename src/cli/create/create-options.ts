import type { CreateOptions, VolumeMountConfig } from "../../client/index.js";
import { TenkiError } from "../../domain/error.js";
import type { OptionsOf } from "../command.js";
import type { Context } from "../context.js";
import { readEnvironment, readKeysFile, textFile } from "../env-file.js";
import { findSnapshotId } from "../find-snapshot.js";
import { pickVolume } from "../find-volume.js";
import { uuid } from "../flags/parsers/words.js";
import type { VolumeMount } from "../flags/parsers/volumes.js";
import { checkTags, toRecord } from "../session-options.js";
import type { createFlags } from "./create-flags.js";

type Options = OptionsOf<{ readonly flags: typeof createFlags }>;

/** What the client makes a session with, from the flags; files are read, and names looked up. */
export async function createOptions(options: Options, ctx: Context): Promise<CreateOptions> {
  checkSource(options);
  const keyFiles = await Promise.all(
    options.authorizedKeysFile.map((path) => readKeysFile(textFile(path, ctx))),
  );
  return {
    name: options.name,
    cpuCores: options.cpu,
    memoryMb: options.memoryMb,
    diskSizeGb: options.diskSizeGb,
    allowInbound: options.allowInbound,
    allowOutbound: options.allowOutbound,
    allowEgress: allowEgress(options),
    maxDurationMs: options.maxDuration,
    idleTimeoutMinutes: options.idleTimeout,
    pauseRetentionMs: options.pauseRetention,
    sticky: options.sticky,
    snapshotId: await snapshotId(options.snapshot, ctx),
    image: options.image,
    fromTemplateSpec: options.template,
    metadata: toRecord(options.metadata),
    tags: checkTags(options.tags),
    env: await readEnvironment({
      here: ctx.io.env,
      files: options.envFile.map((path) => textFile(path, ctx)),
      entries: options.env,
    }),
    sshAuthorizedKeys: [...options.authorizedKey, ...keyFiles.flat()],
    volumes: await volumeMounts(options.volume, ctx),
    cloneRepoUrl: options.cloneRepo,
    githubToken: githubToken(options.githubTokenEnv, ctx),
    enableOpenCode: options.opencode,
  };
}

/** Undefined: no list was given. */
function allowEgress({ allowEgress: list, allowOutbound }: Options): readonly string[] | undefined {
  if (list.length === 0) return undefined;
  if (allowOutbound !== false) return list;
  throw new TenkiError("usage", "--allow-egress and --allow-outbound=false contradict each other");
}

function checkSource({ snapshot, image, template }: Options): void {
  const given = Object.entries({ snapshot, image, template }).filter(([, value]) => value !== undefined);
  if (given.length < 2) return;
  const names = given.map(([name]) => `--${name}`).join(" and ");
  throw new TenkiError("usage", `${names} contradict each other: a session starts from one of them`);
}

const snapshotId = async (named: string | undefined, ctx: Context): Promise<string | undefined> =>
  named === undefined ? undefined : (uuid.read(named) ?? findSnapshotId(await ctx.client(), named));

/** Volumes by id without a call; by name after a look at the list of them. */
async function volumeMounts(mounts: readonly VolumeMount[], ctx: Context): Promise<VolumeMountConfig[]> {
  const isNamed = mounts.some(({ volume }) => uuid.read(volume) === undefined);
  const known = isNamed ? await (await ctx.client()).listVolumes() : [];
  return mounts.map(({ volume, mountPath, readOnly }) => {
    const volumeId = uuid.read(volume) ?? pickVolume(known, volume).id;
    return { volumeId, mountPath, readOnly };
  });
}

function githubToken(variable: string | undefined, ctx: Context): string | undefined {
  if (variable === undefined) return undefined;
  const token = ctx.io.env[variable];
  if (token !== undefined && token !== "") return token;
  throw new TenkiError("usage", `invalid variable "${variable}" for --github-token-env: it is not set`);
}
