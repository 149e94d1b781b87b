import { command } from "../command.js";
import type { Context } from "../context.js";
import { identityView } from "../output/views/identity.js";
import type { View } from "../output/view.js";

export const define = command({
  examples: [["tenki whoami --json", "whom the token stands for, for a program"]],
});

export async function run(_options: object, ctx: Context): Promise<View> {
  const client = await ctx.client();
  return identityView(await client.whoAmI());
}
