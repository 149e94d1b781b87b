import { commaList, flag, repeated, toggle } from "../flags/flag.js";
import { egressRule } from "../flags/parsers/addresses.js";
import { environmentEntry } from "../flags/parsers/environment.js";
import { filled, integer, keyValue, uuid } from "../flags/parsers/words.js";
import { localFile } from "../flags/parsers/paths.js";
import { minutes, positiveDuration } from "../flags/parsers/times.js";
import { repository } from "../flags/parsers/git.js";
import { sessionName, tag } from "../flags/parsers/sessions.js";
import { snapshot } from "../flags/parsers/snapshots.js";
import { volumeMount } from "../flags/parsers/volumes.js";
import { resourceBounds } from "../../domain/resources.js";

/** What a session can be made with. */
export const createFlags = {
  name: flag("NAME", "what to call it", sessionName),
  cpu: flag("N", "processor cores", integer(resourceBounds.cpuCores)),
  memoryMb: flag("MB", "memory", integer(resourceBounds.memoryMb)),
  diskSizeGb: flag("GB", "disk", integer(resourceBounds.diskSizeGb)),
  allowInbound: toggle("ports can be exposed"),
  allowOutbound: toggle("it can reach the network; --allow-outbound=false cuts it off"),
  allowEgress: commaList(
    "HOST[:PORT]",
    "all that it can reach: names, *.name, addresses, networks",
    egressRule,
  ),
  maxDuration: flag("DURATION", "how long it may live", positiveDuration),
  idleTimeout: flag("DURATION", "pause it when it is idle for so long; 0 = never", minutes),
  pauseRetention: flag("DURATION", "how long it is kept while it is paused", positiveDuration),
  sticky: toggle("keep it when it is idle"),
  snapshot: flag("ID|NAME", "start from a snapshot", snapshot),
  image: flag("REF", "start from an image", filled),
  template: flag("ID", "start from a template", uuid),
  metadata: repeated("K=V", "a note for your own bookkeeping", keyValue),
  tags: commaList("A,B", "tags to find it by", tag),
  env: repeated("K=V", "a variable for every command in it; K alone: as it is set here", environmentEntry),
  envFile: repeated("FILE", "a file of such lines", localFile),
  authorizedKey: repeated("KEY", "an SSH public key that may log in", filled),
  authorizedKeysFile: repeated("FILE", "a file of such keys", localFile),
  volume: repeated("ID|NAME:/PATH[:ro]", "a volume to mount; ro: only to read", volumeMount),
  cloneRepo: flag("URL", "a git repository to clone into it", repository),
  githubTokenEnv: flag("VAR", "the variable on this side that holds a GitHub token for it", filled),
  opencode: toggle("start OpenCode in it"),
} as const;

export const waitTimeoutFlag = {
  waitTimeout: flag("DURATION", "how long to wait (default: 3m)", positiveDuration),
} as const;
