import type { CallOptions } from "@connectrpc/connect";
import { setTimeout as sleep } from "node:timers/promises";
import type {
  CreateSessionCredentialResponse,
  DataPlaneRouteStatus,
} from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import { dateFromWire } from "./convert/time.js";
import { DataPlaneNotReadyError, UnauthorizedError } from "./errors.js";
import { openStream, type OpenStream, type StreamStarter } from "./open-stream.js";
import type { CallPlan, CallSettings, RequestOf, ResponseOf, Rpc, UnaryMethod } from "./rpc.js";
import type { DataPlaneRpc, ServicesAt } from "./wire.js";

/** Where a session is reached, and what opens it. */
interface Access {
  readonly endpoint: string;
  readonly credential: string;
  readonly receivedAt: number;
  /** Undefined where this machine's clock says that it was over before it came: then the clock is wrong. */
  readonly expiresAt: number | undefined;
  readonly hasLane?: boolean | undefined;
  readonly laneSocket?: string | undefined;
}

/** What the service says about the way to a session; parts of several answers. */
export type AccessAnswer = Pick<
  CreateSessionCredentialResponse,
  "dataPlaneEndpoint" | "credential" | "routeStatus"
>;

export type UploadStarter<T> = (at: ServicesAt, options: CallOptions) => Promise<T>;

const routeFailed: DataPlaneRouteStatus = 3;
const renewWithShareLeft = 0.2;
const longestPauseMs = 2_000;

/** The calls that go to one session itself, each with a credential that is good when it is sent. */
export class DataPlane {
  readonly sessionId: string;
  /** For what a session is asked besides. */
  readonly rpc: Rpc;
  #access: Access | undefined;
  #lookedForKept = false;
  #renewal: Promise<Access> | undefined;

  constructor(rpc: Rpc, sessionId: string) {
    this.rpc = rpc;
    this.sessionId = sessionId;
  }

  /** Takes over a credential that came along with another answer; there may be none in it. */
  accept(answer: AccessAnswer): void {
    if (answer.credential === undefined || answer.routeStatus === routeFailed) return;
    this.#take(answer, answer.credential.credential);
  }

  call<M extends UnaryMethod<DataPlaneRpc>>(
    method: M,
    request: RequestOf<DataPlaneRpc, M>,
    options: CallSettings = {},
  ): Promise<ResponseOf<DataPlaneRpc, M>> {
    return this.#use(options, (access) => this.rpc.dataPlane(method, request, { ...options, ...access }));
  }

  /** A call that is answered by a stream; resolves with its first message. */
  open<T>(
    start: StreamStarter<T>,
    plan: Pick<CallPlan, "what" | "signal" | "idempotent">,
  ): Promise<OpenStream<T>> {
    return this.#use(plan, (access) => openStream(this.rpc, { ...plan, ...access }, start));
  }

  /** By the lane for `Run`; undefined where the service is not known to have it, or turns out not to. */
  async byLane<T>(
    plan: Pick<CallPlan, "signal">,
    action: (access: Pick<Access, "endpoint" | "credential" | "laneSocket">) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const { hasLane } = this.#access ?? this.#loadKept() ?? {};
    return hasLane === true ? this.#use(plan, action) : undefined;
  }

  /** The service has the lane: this client's connection is open by now, and the next client may use it. */
  noteLane(laneSocket: string | undefined): void {
    if (this.#access !== undefined) this.#keep({ ...this.#access, hasLane: true, laneSocket });
  }

  /** A call that streams up and is answered once; it takes as long as it takes. */
  upload<T>(
    what: string,
    start: UploadStarter<T>,
    options: Pick<CallPlan, "signal" | "mayRepeat">,
  ): Promise<T> {
    const plan = { ...options, what, idempotent: false, timeoutMs: 0 };
    return this.#use(plan, (access) => this.rpc.attempt({ ...plan, ...access }, start));
  }

  /**
   * Runs `action` with a credential, once more with a fresh one where it is refused, and again
   * for as long as the way is not open yet. Such refusals come before anything was done.
   */
  async #use<T>(
    { signal, mayRepeat = () => true }: Pick<CallPlan, "signal" | "mayRepeat">,
    action: (access: Access) => Promise<T>,
  ): Promise<T> {
    const giveUpAt = performance.now() + this.rpc.settings.readyTimeoutMs;
    let renewed = false;
    for (let attempt = 0; ; attempt++) {
      const access = await this.#currentAccess();
      try {
        return await action(access);
      } catch (error) {
        if (!mayRepeat()) throw error;
        if (error instanceof UnauthorizedError && !renewed) {
          renewed = true;
          if (this.#access === access) this.#access = undefined;
        } else if (error instanceof DataPlaneNotReadyError && performance.now() < giveUpAt) {
          await sleep(Math.min(longestPauseMs, 50 * 2 ** attempt) * (0.5 + Math.random() / 2), undefined, {
            signal,
          });
        } else throw error;
      }
    }
  }

  async #currentAccess(): Promise<Access> {
    const access = this.#access ?? this.#loadKept();
    if (access === undefined) return this.#renew();
    if (access.expiresAt === undefined) return access;
    const left = access.expiresAt - Date.now();
    if (left > (access.expiresAt - access.receivedAt) * renewWithShareLeft) return access;
    const renewed = this.#renew();
    return left > 0 ? renewed.catch(() => access) : renewed; // what is still good serves when no other is to be had
  }

  #renew(): Promise<Access> {
    this.#renewal ??= this.#requestAccess().finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  async #requestAccess(): Promise<Access> {
    const answer = await this.rpc.sandbox("createSessionCredential", { sessionId: this.sessionId });
    if (answer.credential === undefined || answer.routeStatus === routeFailed) {
      throw new DataPlaneNotReadyError("the way to the sandbox could not be verified", { terminal: true });
    }
    return this.#take(answer, answer.credential.credential);
  }

  /** What another client of this user's was given; looked for once. */
  #loadKept(): Access | undefined {
    if (this.#lookedForKept) return undefined;
    this.#lookedForKept = true;
    return (this.#access = this.rpc.settings.credentials?.load(this.sessionId));
  }

  #take(answer: AccessAnswer, credential: string): Access {
    const access = this.#accessFrom(answer, credential);
    this.#access = access;
    this.#lookedForKept = true;
    this.#keep(access);
    return access;
  }

  #keep({ expiresAt, ...access }: Access): void {
    if (expiresAt !== undefined)
      this.rpc.settings.credentials?.keep(this.sessionId, { ...access, expiresAt });
  }

  #accessFrom(answer: AccessAnswer, credential: string): Access {
    const receivedAt = Date.now();
    const expiresAt = dateFromWire(answer.credential?.expiresAt)?.getTime();
    return {
      endpoint: this.#endpoint(answer.dataPlaneEndpoint.trim()),
      credential,
      receivedAt,
      expiresAt: expiresAt !== undefined && expiresAt > receivedAt ? expiresAt : undefined,
    };
  }

  /** Said as an address, as a bare host, or not at all: then it is the API's own. */
  #endpoint(said: string): string {
    if (said === "") return this.rpc.settings.endpoint;
    return (/^https?:\/\//.test(said) ? said : `https://${said}`).replace(/\/+$/, "");
  }
}
