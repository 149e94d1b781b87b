import {
  ConnectionError,
  type Client,
  type LoginRefusal,
  type SSHConnection,
  type SSHLane,
} from "../../client/index.js";
import type { Context } from "../context.js";
import { canRelay } from "../start-relay.js";
import { findSession } from "../find-session.js";
import { whileItLasts } from "./forget-session.js";
import { keepWay, keptWay, prepareSsh, type SshAccess } from "./prepare-ssh.js";
import { readAlias, sessionOfAlias } from "./session-alias.js";
import { sshPaths } from "./ssh-paths.js";
import { tellRefusal } from "./tell-refusal.js";

/** A session that ssh names, or somebody who calls the proxy. */
export interface ProxiedSession {
  readonly host: string | undefined;
  readonly session: string | undefined;
  readonly gateway: string | undefined;
  readonly identityFile: string | undefined;
}

/** Finds the session, and makes ready what a login to it needs. */
export async function prepareProxied(named: ProxiedSession, ctx: Context): Promise<SshAccess> {
  ctx.useGateway(named.gateway);
  const paths = sshPaths(ctx.io);
  const client = await ctx.client();
  const sessionId =
    named.host === undefined
      ? (await findSession(client, await ctx.sessionName(named.session))).id
      : await sessionOfAlias(client, await ctx.sessionName(readAlias(named.host)), paths);
  const identityFile = named.identityFile && ctx.localPath(named.identityFile);
  const options = { paths, sessionId, identityFile, env: ctx.io.env };
  return whileItLasts(paths, sessionId, () => prepareSsh(client, options));
}

/** Opens the connection that bytes go through. */
export function connectGateway(access: SshAccess, ctx: Context): Promise<SSHConnection> {
  return whileItLasts(sshPaths(ctx.io), access.sessionId, () => throughGateway(access, ctx));
}

/** By the engine's own socket, where that is known and nobody has named a gateway; undefined where it does not lead there. */
export async function connectLane(access: SshAccess, ctx: Context): Promise<SSHLane | undefined> {
  const laneSocket =
    (await ctx.settings()).gateway === undefined ? keptWay(access.files)?.laneSocket : undefined;
  if (laneSocket === undefined || !canRelay(ctx.io)) return undefined;
  const session = (await ctx.client()).session(access.sessionId);
  return session.sshLane({ laneSocket, onLoginRefused: refusalTeller(access, ctx) });
}

/** Through the gateway that was named, or the one that is known; the service is asked where neither is there. */
async function throughGateway(access: SshAccess, ctx: Context): Promise<SSHConnection> {
  const client = await ctx.client();
  const session = client.session(access.sessionId);
  const onLoginRefused = refusalTeller(access, ctx);
  const named = (await ctx.settings()).gateway;
  const kept = named ?? keptWay(access.files)?.gateway;
  try {
    if (kept !== undefined) return await session.ssh({ gateway: kept, onLoginRefused });
  } catch (error) {
    if (named !== undefined || !(error instanceof ConnectionError)) throw error;
  }
  return session.ssh({ gateway: await askGateway(client, access), onLoginRefused });
}

const refusalTeller = (access: SshAccess, ctx: Context) => (refusal: LoginRefusal) =>
  void tellRefusal(refusal, access, ctx).catch(() => undefined); // stderr is closed

async function askGateway(client: Client, { files }: SshAccess): Promise<string> {
  const way = await client.findSshWay();
  await keepWay(files, way);
  return way.gateway;
}
