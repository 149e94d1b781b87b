import { readSshEnd } from "../../../client/index.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, toggle } from "../../flags/flag.js";
import { filled, text } from "../../flags/parsers/words.js";
import { connectGateway, connectLane, prepareProxied } from "../../ssh/connect-gateway.js";
import type { SshAccess } from "../../ssh/prepare-ssh.js";
import { relay } from "../../ssh/relay.js";
import { relayLane } from "../../ssh/relay-lane.js";
import { gatewayFlag, identityFlag } from "../../ssh/ssh-flags.js";
import { keepPass } from "../../ssh/ssh-pass.js";

export const define = command({
  description:
    "What ssh runs as its ProxyCommand: carries the bytes of one connection between stdin, stdout and the session,\n" +
    "and keeps the session's certificate fresh. Says nothing, unless it fails.",
  needsSession: true,
  flags: {
    host: flag("HOST", "the session as the ssh config names it: sbx-<id> or sbx-<name>", filled),
    prepare: toggle("connect to nothing: make the key and the certificate ready, without a word"),
    ended: flag(
      "TEXT",
      "connect to nothing: say how a connection ended that went without this command",
      text,
    ),
    ...identityFlag,
    ...gatewayFlag,
  },
  examples: [["ssh -o ProxyCommand='tenki sandbox ssh-proxy --session demo' tenki@demo", "as ssh uses it"]],
});

export async function run(options: OptionsOf<typeof define>, ctx: Context): Promise<undefined> {
  if (options.prepare === true) {
    await prepareProxied(options, ctx).catch(() => undefined); // the connection will tell
    return;
  }
  if (options.ended !== undefined) {
    tellEnd(options.ended);
    return;
  }
  // A terminal's, for all of its programs: ssh may go on, as sftp's does, and else ends this.
  const heedNoMore = ctx.io.onSignal("SIGINT", () => undefined);
  const giveBack = ctx.takeSignals(); // ssh ends what it has started, and nobody wants to read of it
  try {
    const access = await prepareProxied(options, ctx);
    if (await goByLane(access, ctx)) return;
    await relay(await connectGateway(access, ctx), ctx.io);
  } finally {
    giveBack();
    heedNoMore();
  }
}

/** False where that way is not open. */
async function goByLane(access: SshAccess, ctx: Context): Promise<boolean> {
  const lane = await connectLane(access, ctx);
  if (lane === undefined) return false;
  const kept = keepPass(lane, access, ctx).catch(() => undefined); // the next login takes a little longer
  const isOver = await relayLane(lane, ctx.io);
  await kept;
  return isOver;
}

function tellEnd(said: string): void {
  const failure = readSshEnd(said);
  if (failure !== undefined) throw failure;
}
