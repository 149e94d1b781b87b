import { StringDecoder } from "node:string_decoder";
import type { CommandOutput } from "../domain/command.js";
import type { OpenCodeResult } from "./open-code.js";

/** One line of what the agent reports. */
export interface OpenCodeEvent {
  /** `text`, `tool_use`, `step_start`, `step_finish`, `error`; `raw` for a line that is no event. */
  readonly type: string;
  /** The line as it came. */
  readonly data: string;
}

const keptComplaintChars = 2_000;

/** Reads the agent's report, a JSON document a line, as it comes. */
export class OpenCodeTranscript {
  readonly #onEvent: ((event: OpenCodeEvent) => void | Promise<void>) | undefined;
  readonly #decoder = new StringDecoder("utf8");
  readonly #events: OpenCodeEvent[] = [];
  readonly #texts: string[] = [];
  #line = "";
  #stderr = "";
  #totalCost = 0;
  #agentSession: string | undefined;

  constructor(onEvent: ((event: OpenCodeEvent) => void | Promise<void>) | undefined) {
    this.#onEvent = onEvent;
  }

  async add({ kind, data }: CommandOutput): Promise<void> {
    if (kind === "stderr") {
      this.#stderr = (this.#stderr + Buffer.from(data).toString()).slice(-keptComplaintChars);
      return;
    }
    const lines = (this.#line + this.#decoder.write(Buffer.from(data))).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) await this.#take(line);
  }

  complaint(): string {
    return this.#stderr.trim();
  }

  result(exitCode: number): OpenCodeResult {
    const [text, events, totalCost] = [this.#texts.join("\n"), this.#events, this.#totalCost];
    return { text, events, totalCost, exitCode, agentSessionId: this.#agentSession };
  }

  async #take(line: string): Promise<void> {
    if (line.trim() === "") return;
    const report = parseReport(line);
    const event = { type: report?.type ?? "raw", data: line };
    this.#events.push(event);
    this.#agentSession = report?.sessionID ?? this.#agentSession;
    if (report?.type === "text" && report.part?.text !== undefined) this.#texts.push(report.part.text);
    this.#totalCost += report?.part?.cost ?? 0;
    await this.#onEvent?.(event);
  }
}

interface Report {
  readonly type: string;
  readonly sessionID?: string;
  readonly part?: { readonly text?: string; readonly cost?: number };
}

function parseReport(line: string): Report | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "type" in value ? (value as Report) : undefined;
  } catch {
    return undefined;
  }
}
