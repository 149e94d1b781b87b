import { promises as dns } from "node:dns";
import type { AnswerProblem, NameAnswer } from "./dns-messages.js";

/** The address records of a name, asked of one resolver; what they say is the world's word, and no more. */
export async function lookUp(
  name: string,
  resolver: string | undefined,
): Promise<NameAnswer | AnswerProblem> {
  if (resolver === undefined) return "failed";
  const asking = new dns.Resolver({ timeout: 2_000, tries: 2 });
  asking.setServers([resolver]);
  try {
    const records = await asking.resolve4(name, { ttl: true });
    return {
      addresses: [...new Set(records.map(({ address }) => address))],
      ttlSeconds: Math.min(...records.map(({ ttl }) => ttl)),
    };
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case dns.NOTFOUND:
        return "no_such_name";
      case dns.NODATA:
        return { addresses: [], ttlSeconds: 0 };
      default:
        return "failed";
    }
  }
}
