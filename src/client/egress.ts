import type { MessageInitShape } from "@bufbuild/protobuf";
import type { EgressUse } from "../domain/egress.js";
import { type ErrorKind, TenkiError } from "../domain/error.js";
import type {
  CreateSessionRequestSchema,
  CreateSessionResponse,
} from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import { CapabilityUnavailableError, SandboxError } from "./errors.js";
import type { CallSettings, Rpc } from "./rpc.js";

/** Makes a session with a list of what it may reach, in one call: a service without lists makes none. */
export async function createListed(
  rpc: Rpc,
  session: MessageInitShape<typeof CreateSessionRequestSchema>,
  allow: readonly string[],
  options: CallSettings,
): Promise<CreateSessionResponse> {
  const { created } = await rpc
    .egress("createListedSession", { session, allow: [...allow] }, options)
    .catch((error: unknown) => {
      throw isMissing(error) ? withoutLists(rpc, error) : error;
    });
  if (created !== undefined) return created;
  throw new SandboxError("internal", "the service made a session, and does not say which");
}

/** Undefined: the service knows no lists. */
export async function getEgress(rpc: Rpc, sessionId: string): Promise<EgressUse | undefined> {
  try {
    const { allow, refusedPackets, refusedNames } = await rpc.egress("getEgress", { sessionId });
    return {
      allow: allow.length === 0 ? undefined : allow,
      refusedPackets: Number(refusedPackets),
      refusedNames: Number(refusedNames),
    };
  } catch (error) {
    if (error instanceof TenkiError && answersOfOthers.includes(error.kind)) return undefined;
    throw error;
  }
}

/** What services say that do not have it: some do not tell what is missing from what is not allowed. */
const answersOfOthers: readonly ErrorKind[] = ["unimplemented", "not_found", "permission_denied"];

const isMissing = (error: unknown): error is TenkiError =>
  error instanceof TenkiError && error.kind === "unimplemented";

const withoutLists = (rpc: Rpc, cause: TenkiError): CapabilityUnavailableError =>
  new CapabilityUnavailableError(
    "unimplemented",
    `the service at ${rpc.settings.endpoint} cannot hold a session to a list of what it may reach; none was made`,
    { cause, hint: "tenki engine start runs a service that can" },
  );
