import type { UsageLimit } from "../domain/usage.js";
import { usageLimitFromWire } from "./convert/usage.js";
import type { Rpc } from "./rpc.js";

/** What a workspace uses of each of its limits. */
export async function getUsage(rpc: Rpc, workspaceId?: string): Promise<UsageLimit[]> {
  const { settings } = rpc;
  const scope = { workspaceId: workspaceId ?? settings.workspaceId ?? "", projectId: settings.projectId };
  return (await rpc.sandbox("getWorkspaceSandboxUsage", scope)).limits.map(usageLimitFromWire);
}
