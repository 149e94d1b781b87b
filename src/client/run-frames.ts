import type { MessageInitShape } from "@bufbuild/protobuf";
import type { SignalName } from "../domain/command.js";
import type {
  RunRequestSchema,
  SandboxSessionDataPlaneServiceRunRequestSchema as RunMessageSchema,
} from "../gen/tenki/sandbox/v1/sandbox_pb.js";
import { AsyncQueue } from "../lib/async-queue.js";
import { signalToWire } from "./convert/command.js";

type RunMessageInit = MessageInitShape<typeof RunMessageSchema>;
export type RunPayload = NonNullable<MessageInitShape<typeof RunRequestSchema>["payload"]>;

const largestFrameBytes = 64 * 1024;

/** What goes up a Run stream, in order; stdin only as far as the service has granted it. */
export class RunFrames {
  readonly #queue = new AsyncQueue<RunMessageInit>(0);
  #sent: Promise<void> = Promise.resolve();
  #stdin: Promise<void> = Promise.resolve();
  #granted = 0;
  #bounded = true;
  #ended = false;
  #onGrant: (() => void) | undefined;

  constructor(start: RunPayload) {
    void this.#send(start);
  }

  /** For the transport, once. */
  messages(): AsyncIterable<RunMessageInit> {
    return this.#queue;
  }

  /** 0: the service does not bound stdin, and the connection alone does. */
  openWindow(bytes: number): void {
    this.#bounded = bytes > 0;
    this.grant(bytes);
  }

  grant(bytes: number): void {
    this.#granted += bytes;
    this.#onGrant?.();
  }

  /** One write after another, whoever calls. */
  writeStdin(data: Uint8Array): Promise<void> {
    return this.#afterEarlierStdin(async () => {
      for (let sent = 0; sent < data.length;) {
        await this.#window();
        if (this.#ended) return;
        const size = Math.min(
          data.length - sent,
          largestFrameBytes,
          this.#bounded ? this.#granted : Infinity,
        );
        this.#granted -= size;
        await this.#send({ case: "stdin", value: data.subarray(sent, sent + size) });
        sent += size;
      }
    });
  }

  closeStdin(): Promise<void> {
    return this.#afterEarlierStdin(() => this.#send({ case: "stdinClose", value: true }));
  }

  /** Overtakes stdin that waits for its window. */
  signal(name: SignalName): Promise<void> {
    return this.#send({ case: "signal", value: { signal: signalToWire(name) } });
  }

  /** Nothing more goes up. */
  end(): void {
    this.#ended = true;
    this.#queue.end();
    this.#onGrant?.();
  }

  #afterEarlierStdin(action: () => Promise<void>): Promise<void> {
    this.#stdin = this.#stdin.then(action);
    return this.#stdin;
  }

  #send(payload: RunPayload): Promise<void> {
    this.#sent = this.#sent.then(() => this.#queue.push({ frame: { payload } }));
    return this.#sent;
  }

  async #window(): Promise<void> {
    while (this.#bounded && this.#granted <= 0 && !this.#ended) {
      await new Promise<void>((resolve) => (this.#onGrant = resolve));
    }
  }
}
