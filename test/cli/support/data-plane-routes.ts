import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import type { SandboxSessionDataPlaneService } from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";
import { listFiles, makeDirectory, readStream, removeFile, statFile, writeStream } from "./session-files.js";
import { runInSession } from "./session-run.js";
import type { SessionTable, StoredSession } from "./session-table.js";

/** The data plane: what is in a session. */
export function dataPlaneRoutes(
  sessions: SessionTable,
): Partial<ServiceImpl<typeof SandboxSessionDataPlaneService>> {
  const open = (id: string | undefined, { requestHeader }: HandlerContext): StoredSession => {
    if (requestHeader.get("x-tenki-session-cert") !== `cert-${id}`) {
      throw new ConnectError("the credential is not this session's", Code.PermissionDenied);
    }
    return sessions.running(id ?? "");
  };
  return {
    async *run(messages, context) {
      const frames = messages[Symbol.asyncIterator]();
      const { value } = await frames.next();
      const payload = value?.frame?.payload;
      if (payload?.case !== "start")
        throw new ConnectError("the first frame is no start", Code.InvalidArgument);
      if (sessions.pausesBeforeRun > 0) {
        sessions.pausesBeforeRun -= 1;
        sessions.pause(payload.value.sessionId);
      }
      const session = open(payload.value.sessionId, context);
      sessions.commands.push(payload.value);
      if (sessions.path !== undefined) payload.value.env["PATH"] = `${sessions.path}:${process.env["PATH"]}`;
      for await (const frame of runInSession(session, payload.value, frames, context.signal)) yield { frame };
    },
    async *readFileStream({ request }, context) {
      for await (const response of readStream(open(request?.sessionId, context), request?.path ?? ""))
        yield { response };
    },
    async writeFileStream(messages, context) {
      const frames = messages[Symbol.asyncIterator]();
      const { value } = await frames.next();
      const payload = value?.frame?.payload;
      if (payload?.case !== "start")
        throw new ConnectError("the first frame is no start", Code.InvalidArgument);
      return { response: await writeStream(open(payload.value.sessionId, context), payload.value, frames) };
    },
    stat: async ({ request }, context) => ({
      response: await statFile(open(request?.sessionId, context), request?.path ?? ""),
    }),
    list: async ({ request }, context) => ({
      response: await listFiles(
        open(request?.sessionId, context),
        request?.path ?? "",
        request?.includeHidden === true,
      ),
    }),
    async mkdir({ request }, context) {
      await makeDirectory(
        open(request?.sessionId, context),
        request?.path ?? "",
        request?.recursive === true,
      );
      return { response: {} };
    },
    async remove({ request }, context) {
      const session = open(request?.sessionId, context);
      return { response: await removeFile(session, request?.path ?? "", request?.recursive === true) };
    },
  };
}
