import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { EgressService } from "../../gen/tenki/engine/v1/egress_pb.js";
import { CreateSessionRequestSchema } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { makeSession } from "./make-session.js";
import type { SessionMethodsOptions } from "./sessions.js";

/** Sessions with a list of what they may reach: beyond the contract. */
export const egressMethods = (options: SessionMethodsOptions) =>
  ({
    async createListedSession({ session = create(CreateSessionRequestSchema), allow }, context) {
      return { created: await makeSession(options, session, context, { egress: allow }) };
    },
    async getEgress({ sessionId }) {
      const { allow = [], refusedPackets, refusedNames } = await options.sessions.egress(sessionId);
      return {
        allow: [...allow],
        refusedPackets: BigInt(refusedPackets),
        refusedNames: BigInt(refusedNames),
      };
    },
  }) satisfies ServiceImpl<typeof EgressService>;
