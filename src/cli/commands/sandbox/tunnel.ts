import type {
  ResilientHostPortTunnel,
  ResilientHostPortTunnelStateEvent,
  Session,
  TunnelConnectionEvent,
} from "../../../client/index.js";
import { TenkiError } from "../../../domain/error.js";
import { formatGoDuration } from "../../../lib/go-duration.js";
import { command, type OptionsOf } from "../../command.js";
import type { Context } from "../../context.js";
import { flag, required } from "../../flags/flag.js";
import { filled, integer } from "../../flags/parsers/words.js";
import { hostPort } from "../../flags/parsers/addresses.js";
import { liveView, textView, type View } from "../../output/view.js";

export const define = command({
  description:
    "What runs inside reaches HOST:PORT, as this machine does, at a port of its own loopback, until Ctrl-C. When the\n" +
    "connection to the service is lost, the tunnel comes back by itself. A host that does not answer costs the one\n" +
    "connection, and says so. -v shows a line for each connection.",
  needsSession: true,
  arguments: {
    target: required("HOST:PORT", "what is to be reached; a bare PORT is this machine's", hostPort),
  },
  flags: {
    sandboxPort: flag(
      "PORT",
      "the port inside (default: the same; where that is taken, one that is free); 0 picks one",
      integer({ min: 0, max: 65_535 }),
    ),
    bind: flag("ADDRESS", "where to listen inside (default: 127.0.0.1)", filled),
  },
  examples: [
    ["tenki sandbox tunnel localhost:5432", "the database here is 127.0.0.1:5432 inside"],
    [
      "tenki sandbox tunnel db.internal:5432 --sandbox-port 15432 --session demo",
      "one that this machine reaches",
    ],
  ],
});

type Options = OptionsOf<typeof define>;

export async function run(options: Options, ctx: Context): Promise<View> {
  const session = await ctx.session(options.session);
  const tunnel = await open(session, options, ctx);
  return liveView(serve(tunnel, options.target, ctx));
}

/** At the host's own port; where none was asked for and that one is taken, at any. */
async function open(session: Session, options: Options, ctx: Context): Promise<ResilientHostPortTunnel> {
  const { target, bind, sandboxPort } = options;
  const wanted = sandboxPort ?? Number(target.slice(target.lastIndexOf(":") + 1));
  const how = {
    sandboxBindAddress: bind,
    onConnection: (event: TunnelConnectionEvent) => void tell(event, target, ctx).catch(() => undefined),
  };
  try {
    return await session.exposeHostPortResilient(target, { ...how, sandboxPort: wanted });
  } catch (error) {
    const isTaken =
      error instanceof TenkiError && error.kind === "failed_precondition" && /in use/.test(error.message);
    if (!isTaken || sandboxPort !== undefined) throw error;
    await ctx.note(`port ${wanted} is in use inside: another one is taken`);
    return session.exposeHostPortResilient(target, how);
  }
}

async function* serve(
  tunnel: ResilientHostPortTunnel,
  target: string,
  ctx: Context,
): AsyncGenerator<View, void, undefined> {
  const close = () => void tunnel.close();
  ctx.signal.addEventListener("abort", close, { once: true });
  if (ctx.signal.aborted) close();
  tunnel.onStateChange((event) => void report(event, ctx).catch(() => undefined));
  try {
    const inside = `${tunnel.sandboxAddress}:${tunnel.sandboxPort}`;
    yield textView(`${inside} inside -> ${target}`, {
      sandbox_address: tunnel.sandboxAddress,
      sandbox_port: tunnel.sandboxPort,
      host: target,
    });
    const { reason, detail, error } = await tunnel.terminated;
    if (ctx.signal.aborted) return;
    if (error instanceof Error) throw error;
    throw new TenkiError("unavailable", `the tunnel ended: ${detail ?? reason}`);
  } finally {
    ctx.signal.removeEventListener("abort", close);
    close();
  }
}

async function report(event: ResilientHostPortTunnelStateEvent, ctx: Context): Promise<void> {
  if (event.state === "reconnecting") {
    const why = event.reason.detail ?? event.reason.reason;
    await ctx.note(`the tunnel is lost (${why}): trying again in ${formatGoDuration(event.delayMs)}`);
  } else if (event.state === "open") {
    const { sandboxAddress, sandboxPort } = event.tunnel;
    await ctx.note(`the tunnel is open again: ${sandboxAddress}:${sandboxPort} inside`);
  } else if (event.state === "port-changed") {
    await ctx.warn(`its port inside has changed: ${event.sandboxPort}, no longer ${event.previousPort}`);
  }
}

/** A host that fails is always told, the rest with -v. */
async function tell(event: TunnelConnectionEvent, target: string, ctx: Context): Promise<void> {
  const name = `connection ${event.id}: ${event.sourceAddress} inside -> ${target}`;
  if (event.event === "failed") await ctx.note(`${name}: ${event.error?.message || "failed"}`);
  else if (ctx.common.verbose) await ctx.warn(`${name}: ${event.event}`);
}
