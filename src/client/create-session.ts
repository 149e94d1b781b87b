import type { MessageInitShape } from "@bufbuild/protobuf";
import { TenkiError } from "../domain/error.js";
import type {
  CreateSessionRequestSchema,
  CreateSessionResponse,
} from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { TemplateRuntimeState } from "../gen/tenki/sandbox/v1/template_pb.js";
import { sessionFromWire } from "./convert/session.js";
import { millisToWire } from "./convert/time.js";
import { createListed } from "./egress.js";
import { SandboxError, TemplateRuntimeFailedError, WaitReadyFailedError } from "./errors.js";
import type { CreateOptions } from "./options/sessions.js";
import type { CallSettings, Rpc } from "./rpc.js";
import { Session } from "./session.js";
import { defaultWaitTimeoutMs } from "./wait.js";

const templateWaitTimeoutMs = 2 * 3_600_000;

const runtimeFailed: TemplateRuntimeState = 3;

/**
 * Makes a session and, unless told not to, waits until it is ready: the service holds the call
 * for as long as it may, and whatever is left of the wait is spent watching.
 */
export async function createSession(rpc: Rpc, options: CreateOptions): Promise<Session> {
  const { waitReady = true, signal } = options;
  const startedAt = performance.now();
  const timeoutMs =
    options.waitTimeoutMs ??
    (options.fromTemplateSpec === undefined ? defaultWaitTimeoutMs : templateWaitTimeoutMs);
  const answer = await requestSession(rpc, options, { signal, ...(waitReady ? { timeoutMs } : {}) }).catch(
    (error: unknown) => {
      throw withoutAnswer(error);
    },
  );
  const session = new Session(rpc, sessionFromWire(answer.session));
  session.dataPlane.accept(answer);
  if (options.waitForRuntime === true && answer.session?.runtimeState === runtimeFailed) {
    const why = answer.session.runtimeError ?? "the service does not say why";
    throw new TemplateRuntimeFailedError(
      "failed_precondition",
      `the template's runtime failed: ${why}`,
      session,
    );
  }
  if (!waitReady || session.state === "RUNNING") return session;
  try {
    await session.waitReady(Math.max(1, timeoutMs - (performance.now() - startedAt)), signal);
    return session;
  } catch (error) {
    if (!(error instanceof TenkiError)) throw error;
    const { kind, message, hint } = error;
    throw new WaitReadyFailedError(kind, message, session, { hint, cause: error });
  }
}

/** An empty list is one, which the service refuses: it would be read as none. */
function requestSession(
  rpc: Rpc,
  options: CreateOptions,
  call: CallSettings,
): Promise<CreateSessionResponse> {
  const request = createRequest(rpc, options);
  return options.allowEgress === undefined
    ? rpc.sandbox("createSession", request, call)
    : createListed(rpc, request, options.allowEgress, call);
}

/** A create that was not answered may have happened all the same. */
function withoutAnswer(error: unknown): unknown {
  if (!(error instanceof TenkiError) || error.kind !== "deadline_exceeded") return error;
  const hint = "it may have been made all the same: look with `tenki sandbox list`";
  return new SandboxError(error.kind, error.message, { hint, cause: error });
}

function createRequest(
  rpc: Rpc,
  options: CreateOptions,
): MessageInitShape<typeof CreateSessionRequestSchema> {
  const { workspaceId, projectId } = rpc.settings;
  const { image, fromTemplateSpec: template, idleTimeoutMinutes, pauseRetentionMs } = options;
  return {
    ownerType: "SERVICE",
    ownerId: "self",
    workspaceId: options.workspaceId ?? workspaceId,
    projectId: options.projectId ?? projectId,
    name: options.name ?? "",
    allowInbound: options.allowInbound,
    allowOutbound: options.allowOutbound,
    maxDuration: millisToWire(options.maxDurationMs || undefined),
    idleTimeoutMinutes,
    pauseRetention: millisToWire(pauseRetentionMs),
    cpuCores: options.cpuCores,
    memoryMb: options.memoryMb,
    diskSizeGb: options.diskSizeGb,
    metadata: { ...options.metadata },
    tags: [...(options.tags ?? [])],
    env: { ...options.env, ...gitEnvironment(options), ...openCodeEnvironment(options) },
    sshAuthorizedKeys: [...(options.sshAuthorizedKeys ?? [])],
    registryRef: typeof image === "string" ? image : (image?.digestRef ?? image?.ref),
    snapshotId: options.snapshotId,
    templateSpecId: typeof template === "string" ? template : template?.id,
    setupEnv: { ...options.setupEnv },
    setupSecrets: { ...options.setupSecrets },
    enableOpencode: options.enableOpenCode ?? options.openCodeProvider !== undefined,
    cloneRepoUrl: options.cloneRepoUrl ?? "",
    volumes: (options.volumes ?? []).map(({ volumeId, mountPath, readOnly = false }) => ({
      ...{ volumeId, mountPath, readonly: readOnly },
    })),
    sticky: options.sticky ?? false,
    waitReady: options.waitReady ?? true,
    waitForRuntime: options.waitForRuntime ?? false,
  };
}

/** The names under which the sandbox's tools look for a token. */
function gitEnvironment({ githubToken }: CreateOptions): Record<string, string> {
  const token = githubToken?.trim() ?? "";
  return token === "" ? {} : { GH_TOKEN: token, GIT_TOKEN: token };
}

function openCodeEnvironment({ openCodeProvider: provider }: CreateOptions): Record<string, string> {
  return {
    ...(provider?.apiKey === undefined ? {} : { OPENCODE_API_KEY: provider.apiKey }),
    ...(provider?.baseUrl === undefined ? {} : { OPENCODE_PROVIDER_BASE_URL: provider.baseUrl }),
    ...(provider?.npm === undefined ? {} : { OPENCODE_PROVIDER_NPM: provider.npm }),
  };
}
