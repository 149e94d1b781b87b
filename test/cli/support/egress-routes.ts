import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { create } from "@bufbuild/protobuf";
import type { EgressService } from "../../../src/gen/tenki/engine/v1/egress_pb.js";
import { CreateSessionRequestSchema } from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import type { SessionTable } from "./session-table.js";

export function egressRoutes(
  sessions: SessionTable,
  admit: (context: HandlerContext) => void,
): ServiceImpl<typeof EgressService> {
  const enter = (context: HandlerContext) => {
    admit(context);
    if (sessions.hidesEgress) throw new ConnectError("no such service", Code.Unimplemented);
  };
  return {
    createListedSession({ session = create(CreateSessionRequestSchema), allow }, context) {
      enter(context);
      const { wire } = sessions.create(session);
      sessions.allowed.set(wire.id, allow);
      return { created: { session: wire } };
    },
    getEgress({ sessionId }, context) {
      enter(context);
      const allow = sessions.allowed.get(sessionId) ?? [];
      return { allow: [...allow], refusedPackets: 12n, refusedNames: 3n };
    },
  };
}
