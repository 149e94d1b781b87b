import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type {
  CreateSessionRequest,
  CreateSessionResponseSchema,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { CreateSession } from "../core/sessions/session-requests.js";
import { fromCreateRequest } from "./convert/create-session.js";
import { toWireSession } from "./convert/session.js";
import type { SessionMethodsOptions } from "./sessions.js";
import { waitReady } from "./wait-ready.js";

/** Makes a session; `more` is what is asked of it beyond the contract. */
export async function makeSession(
  { sessions, images, dataPlane }: SessionMethodsOptions,
  request: CreateSessionRequest,
  context: HandlerContext,
  more: Pick<CreateSession, "egress"> = {},
): Promise<MessageInitShape<typeof CreateSessionResponseSchema>> {
  const wanted = { ...fromCreateRequest(request), ...more };
  if (wanted.image !== "") await images.resolve(wanted.image); // an unknown one is this call's failure
  const created = sessions.create(wanted);
  const session = request.waitReady ? await waitReady(sessions, created, context) : created;
  return { session: toWireSession(session), ...dataPlane.grant(session, context) };
}
