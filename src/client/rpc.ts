import type { CallOptions } from "@connectrpc/connect";
import { authenticationHeaders, clientHeaders, credentialHeader } from "./authentication.js";
import { cancelled, toCallError, type CallContext } from "./call-error.js";
import { isIdempotent, mayRetry, pauseBefore } from "./retry.js";
import type { Settings } from "./settings.js";
import type {
  DataPlaneRpc,
  EgressRpc,
  EngineSshRpc,
  ExecutionRpc,
  SandboxRpc,
  ServicesAt,
  SshRpc,
  PortRpc,
  MemorySnapshotRpc,
  StatsRpc,
  Wire,
} from "./wire.js";

/** The names of a service's unary methods. */
export type UnaryMethod<S> = {
  [M in keyof S]: S[M] extends (request: infer I, options?: CallOptions) => Promise<unknown>
    ? I extends AsyncIterable<unknown>
      ? never
      : M
    : never;
}[keyof S];

export type RequestOf<S, M extends keyof S> = S[M] extends (request: infer I, ...rest: never[]) => unknown
  ? I
  : never;
export type ResponseOf<S, M extends keyof S> = S[M] extends (...args: never[]) => Promise<infer O>
  ? O
  : never;

export interface CallSettings {
  /** Default: the client's. 0 = no bound. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface CallPlan extends CallSettings {
  /** For messages: the method, or what is waited for. */
  readonly what: string;
  readonly endpoint: string;
  readonly idempotent: boolean;
  /** The data plane's credential; the client's token where there is none. */
  readonly credential?: string | undefined;
  /** Where it says false, nothing is tried again: what the call sends is used up. */
  readonly mayRepeat?: (() => boolean) | undefined;
}

/** Calls: each with a deadline, typed errors, and another try where that is safe. */
export class Rpc {
  readonly settings: Settings;
  #wire: Promise<Wire> | undefined;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  sandbox<M extends UnaryMethod<SandboxRpc>>(
    method: M,
    request: RequestOf<SandboxRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<SandboxRpc, M>> {
    return this.attempt(this.#plan("SandboxService", method, options), (at, call) =>
      invoke(at.sandbox, method, request, call),
    );
  }

  ssh<M extends UnaryMethod<SshRpc>>(
    method: M,
    request: RequestOf<SshRpc, M>,
    { onHeader, ...options }: CallSettings & Pick<CallOptions, "onHeader"> = {},
  ): Promise<ResponseOf<SshRpc, M>> {
    return this.attempt(this.#plan("SSHGatewayClientService", method, options), (at, call) =>
      invoke(at.ssh, method, request, { ...call, ...(onHeader && { onHeader }) }),
    );
  }

  execution<M extends UnaryMethod<ExecutionRpc>>(
    method: M,
    request: RequestOf<ExecutionRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<ExecutionRpc, M>> {
    return this.attempt(this.#plan("ExecutionService", method, options), async (at, call) =>
      invoke(at.executions, method, request, call),
    );
  }

  egress<M extends UnaryMethod<EgressRpc>>(
    method: M,
    request: RequestOf<EgressRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<EgressRpc, M>> {
    return this.attempt(this.#plan("EgressService", method, options), async (at, call) =>
      invoke(at.egress, method, request, call),
    );
  }

  ports<M extends UnaryMethod<PortRpc>>(
    method: M,
    request: RequestOf<PortRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<PortRpc, M>> {
    return this.attempt(this.#plan("PortService", method, options), async (at, call) =>
      invoke(at.ports, method, request, call),
    );
  }

  stats<M extends UnaryMethod<StatsRpc>>(
    method: M,
    request: RequestOf<StatsRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<StatsRpc, M>> {
    return this.attempt(this.#plan("SessionStatsService", method, options), async (at, call) =>
      invoke(at.stats, method, request, call),
    );
  }

  memorySnapshots<M extends UnaryMethod<MemorySnapshotRpc>>(
    method: M,
    request: RequestOf<MemorySnapshotRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<MemorySnapshotRpc, M>> {
    return this.attempt(this.#plan("MemorySnapshotService", method, options), async (at, call) =>
      invoke(at.memorySnapshots, method, request, call),
    );
  }

  engineSsh<M extends UnaryMethod<EngineSshRpc>>(
    method: M,
    request: RequestOf<EngineSshRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<EngineSshRpc, M>> {
    return this.attempt(this.#plan("SSHService", method, options), async (at, call) =>
      invoke(at.engineSsh, method, request, call),
    );
  }

  dataPlane<M extends UnaryMethod<DataPlaneRpc>>(
    method: M,
    request: RequestOf<DataPlaneRpc, M>,
    plan: Pick<CallPlan, "endpoint" | "credential" | "signal" | "timeoutMs">,
  ): Promise<ResponseOf<DataPlaneRpc, M>> {
    const named = { ...plan, what: `SandboxSessionDataPlaneService.${capitalised(method)}` };
    return this.attempt({ ...named, idempotent: isIdempotent(method) }, (at, call) =>
      invoke(at.dataPlane, method, request, call),
    );
  }

  /** Runs `action` until it succeeds, fails for good, or its time is up. */
  async attempt<T>(plan: CallPlan, action: (at: ServicesAt, options: CallOptions) => Promise<T>): Promise<T> {
    const timeoutMs = plan.timeoutMs ?? this.settings.timeoutMs;
    const headers = this.#headers(plan.credential);
    const at = (await this.wire()).at(plan.endpoint);
    const context = this.context({ ...plan, timeoutMs }, at);
    for (let attempt = 0; ; attempt++) {
      if (plan.signal?.aborted) throw cancelled(context);
      const left = timeoutMs === 0 ? undefined : remaining(context.startedAt + timeoutMs);
      try {
        return await action(at, {
          headers,
          ...defined("timeoutMs", left),
          ...defined("signal", plan.signal),
        });
      } catch (error) {
        const known = toCallError(error, context);
        if (!mayRetry(known, plan.idempotent, attempt) || plan.mayRepeat?.() === false) throw known;
        await pauseBefore(attempt, plan.signal).catch(() => undefined);
      }
    }
  }

  context(plan: CallPlan, at: ServicesAt): CallContext {
    return {
      endpoint: plan.endpoint,
      what: plan.what,
      dataPlane: plan.credential !== undefined,
      timeoutMs: plan.timeoutMs === 0 ? undefined : plan.timeoutMs,
      startedAt: performance.now(),
      signal: plan.signal,
      secrets: [this.settings.token, plan.credential ?? ""],
      spokeHttp2: () => at.connection.spokeHttp2(),
    };
  }

  wire(): Promise<Wire> {
    return (this.#wire ??= import("./wire.js").then(({ Wire }) => new Wire(this.settings)));
  }

  close(): void {
    void this.#wire?.then((wire) => wire.close());
  }

  #plan(service: string, method: string, options: CallSettings): CallPlan {
    const what = `${service}.${capitalised(method)}`;
    return { ...options, what, endpoint: this.settings.endpoint, idempotent: isIdempotent(method) };
  }

  #headers(credential: string | undefined): Record<string, string> {
    if (credential === undefined) return authenticationHeaders(this.settings.token);
    return { ...clientHeaders, [credentialHeader]: credential };
  }
}

/** TypeScript cannot follow a method's name to its types through a union of them. */
function invoke<S, M extends keyof S>(
  service: S,
  method: M,
  request: RequestOf<S, M>,
  options: CallOptions,
): Promise<ResponseOf<S, M>> {
  const call = service[method] as (
    request: RequestOf<S, M>,
    options: CallOptions,
  ) => Promise<ResponseOf<S, M>>;
  return call(request, options);
}

/** In whole milliseconds, and at most as many digits, as the protocol writes it. */
const remaining = (endsAt: number): number =>
  Math.min(99_999_999, Math.max(1, Math.ceil(endsAt - performance.now())));

const capitalised = (method: string): string => method.charAt(0).toUpperCase() + method.slice(1);

const defined = <K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [key]: value } as Record<K, V>);
