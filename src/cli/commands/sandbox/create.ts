import type { CreateOptions, VolumeMountConfig } from "../../../client/index.js";
import { TenkiError } from "../../../domain/error.js";
import { resourceBounds } from "../../../domain/resources.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { readEnvironment, readKeysFile } from "../../env-file.js";
import { commaList, flag, repeated, toggle, toggleFrom } from "../../flags/flag.js";
import {
  environmentEntry,
  filled,
  integer,
  keyValue,
  localFile,
  minutes,
  positiveDuration,
  repository,
  sessionName,
  tag,
  uuid,
  type VolumeMount,
  volumeMount,
} from "../../flags/parsers.js";
import type { View } from "../../output/view.js";
import { sessionView } from "../../output/views/session.js";
import { checkTags, defaultWaitMs, toRecord } from "../../session-options.js";
import { waitReady } from "../../wait-ready.js";

export const define = command({
  description:
    "Waits until commands would run in it, prints it, and makes it the current session. Ctrl-C ends the wait only.\n" +
    "What is left out is the service's default.",
  flags: {
    name: flag("NAME", "what to call it", sessionName),
    cpu: flag("N", "processor cores", integer(resourceBounds.cpuCores)),
    memoryMb: flag("MB", "memory", integer(resourceBounds.memoryMb)),
    diskSizeGb: flag("GB", "disk", integer(resourceBounds.diskSizeGb)),
    allowInbound: toggle("ports can be exposed"),
    allowOutbound: toggle("it can reach the network; --allow-outbound=false cuts it off"),
    maxDuration: flag("DURATION", "how long it may live", positiveDuration),
    idleTimeout: flag("DURATION", "pause it when it is idle for so long; 0 = never", minutes),
    pauseRetention: flag("DURATION", "how long it is kept while it is paused", positiveDuration),
    sticky: toggle("keep it when it is idle"),
    snapshot: flag("ID", "start from a snapshot", uuid),
    image: flag("REF", "start from an image", filled),
    template: flag("ID", "start from a template", uuid),
    metadata: repeated("K=V", "a note for your own bookkeeping", keyValue),
    tags: commaList("A,B", "tags to find it by", tag),
    env: repeated("K=V", "a variable for every command in it; K alone: as it is set here", environmentEntry),
    envFile: repeated("FILE", "a file of such lines", localFile),
    authorizedKey: repeated("KEY", "an SSH public key that may log in", filled),
    authorizedKeysFile: repeated("FILE", "a file of such keys", localFile),
    volume: repeated("ID:/PATH[:ro]", "a volume to mount", volumeMount),
    cloneRepo: flag("URL", "a git repository to clone into it", repository),
    githubTokenEnv: flag("VAR", "the variable on this side that holds a GitHub token for it", filled),
    opencode: toggle("start OpenCode in it"),
    wait: toggleFrom(true, "return at once"),
    waitTimeout: flag("DURATION", "how long to wait (default: 3m)", positiveDuration),
  },
  examples: [
    ["tenki sandbox create --name demo", "with the defaults"],
    [
      "tenki sandbox create --cpu 4 --memory-mb 8192 --env APP_ENV=dev --tags ci,nightly",
      "larger, with a variable",
    ],
    ["id=$(tenki sandbox create --json | jq -r .id)", "in a script"],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<View> {
  const created = await createOptions(options, ctx);
  const client = await ctx.client();
  const progress = await ctx.progress("creating a session");
  const session = await client.create({ ...created, waitReady: false }).finally(() => progress.stop());
  await ctx.config.update({ current_session_id: session.id }).catch((error: unknown) => {
    return ctx.warn(`warning: the current session was not saved: ${(error as Error).message}`);
  });
  if (!options.wait) return sessionView(session.info);
  return sessionView(await waitReady(session, ctx, options.waitTimeout ?? defaultWaitMs));
}

async function createOptions(options: Options, ctx: Context): Promise<CreateOptions> {
  checkSource(options);
  const keyFiles = await Promise.all(
    options.authorizedKeysFile.map((path) => readKeysFile(ctx.localPath(path))),
  );
  return {
    name: options.name,
    cpuCores: options.cpu,
    memoryMb: options.memoryMb,
    diskSizeGb: options.diskSizeGb,
    allowInbound: options.allowInbound,
    allowOutbound: options.allowOutbound,
    maxDurationMs: options.maxDuration,
    idleTimeoutMinutes: options.idleTimeout,
    pauseRetentionMs: options.pauseRetention,
    sticky: options.sticky,
    snapshotId: options.snapshot,
    image: options.image,
    fromTemplateSpec: options.template,
    metadata: toRecord(options.metadata),
    tags: checkTags(options.tags),
    env: await readEnvironment({
      here: ctx.io.env,
      files: options.envFile.map((path) => ctx.localPath(path)),
      entries: options.env,
    }),
    sshAuthorizedKeys: [...options.authorizedKey, ...keyFiles.flat()],
    volumes: await volumeMounts(options.volume, ctx),
    cloneRepoUrl: options.cloneRepo,
    githubToken: githubToken(options.githubTokenEnv, ctx),
    enableOpenCode: options.opencode,
  };
}

function checkSource({ snapshot, image, template }: Options): void {
  const given = Object.entries({ snapshot, image, template }).filter(([, value]) => value !== undefined);
  if (given.length < 2) return;
  const names = given.map(([name]) => `--${name}`).join(" and ");
  throw new TenkiError("usage", `${names} contradict each other: a session starts from one of them`);
}

/** Volumes by id without a call; by name after a look at the list of them. */
async function volumeMounts(mounts: readonly VolumeMount[], ctx: Context): Promise<VolumeMountConfig[]> {
  const isNamed = mounts.some(({ volume }) => uuid.read(volume) === undefined);
  const known = isNamed ? await (await ctx.client()).listVolumes() : [];
  return mounts.map(({ volume, mountPath, readOnly }) => {
    const named = known.filter(({ name }) => name === volume);
    const volumeId = uuid.read(volume) ?? named[0]?.id;
    if (volumeId === undefined) {
      throw new TenkiError("not_found", `volume not found: none is named "${volume}"`, {
        hint: "name it by its id",
      });
    }
    if (named.length < 2) return { volumeId, mountPath, readOnly };
    const ids = named.map(({ id }) => id).join(", ");
    throw new TenkiError("usage", `ambiguous name "${volume}": ${named.length} volumes have it: ${ids}`);
  });
}

function githubToken(variable: string | undefined, ctx: Context): string | undefined {
  if (variable === undefined) return undefined;
  const token = ctx.io.env[variable];
  if (token !== undefined && token !== "") return token;
  throw new TenkiError("usage", `invalid variable "${variable}" for --github-token-env: it is not set`);
}
