import type { Packet, Packets, Question } from "dns-packet";
import { TenkiError } from "../../../domain/error.js";

export interface AskedName {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly question: Question;
  /** In lower case, without a dot at its end. */
  readonly name: string;
  /** Whether it is about an IPv4 address; other records say nothing that a sandbox could use. */
  readonly forAddress: boolean;
}

export interface NameAnswer {
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

/** `not_allowed` is answered as `no_such_name`, by somebody with authority over it: so the kernel can count them. */
export type AnswerProblem = "not_allowed" | "no_such_name" | "failed";

/** What every resolver takes without having been asked about size. */
const maxMessageBytes = 512;

export class DnsMessages {
  readonly #packets: Packets;

  private constructor(packets: Packets) {
    this.#packets = packets;
  }

  /** Loaded with the first list: an engine without any does without. */
  static async load(): Promise<DnsMessages> {
    try {
      return new DnsMessages((await import("dns-packet")).default);
    } catch (cause) {
      throw new TenkiError("failed_precondition", "names on a list need the package dns-packet", {
        cause,
        hint: "npm ci",
      });
    }
  }

  /** Undefined: it is no question that deserves an answer. */
  read(message: Buffer): AskedName | undefined {
    try {
      const { id, type, opcode, questions, flags = 0 } = this.#packets.decode(message);
      const [question, more] = questions;
      if (type !== "query" || opcode !== "QUERY" || question === undefined || more !== undefined)
        return undefined;
      return {
        id,
        question,
        recursionDesired: (flags & this.#packets.RECURSION_DESIRED) !== 0,
        name: question.name.toLowerCase().replace(/\.$/, ""),
        forAddress: question.type === "A" && question.class === "IN",
      };
    } catch {
      return undefined; // whatever it was, a guest wrote it
    }
  }

  /** As many of the addresses as any resolver takes. */
  fit(asked: AskedName, answer: NameAnswer): NameAnswer {
    const fits = (count: number) =>
      this.#packets.encodingLength(
        this.#response(asked, { ...answer, addresses: answer.addresses.slice(0, count) }, 0),
      ) <= maxMessageBytes;
    let count = answer.addresses.length;
    while (count > 1 && !fits(count)) count -= 1;
    return { ...answer, addresses: answer.addresses.slice(0, count) };
  }

  answer(asked: AskedName, answer: NameAnswer): Buffer {
    return this.#packets.encode(this.#response(asked, answer, 0));
  }

  refuse(asked: AskedName, problem: AnswerProblem): Buffer {
    const code = problem === "failed" ? responseCodes.serverFailure : responseCodes.noSuchName;
    const authority = problem === "not_allowed" ? this.#packets.AUTHORITATIVE_ANSWER : 0;
    return this.#packets.encode(this.#response(asked, { addresses: [], ttlSeconds: 0 }, code | authority));
  }

  #response(asked: AskedName, { addresses, ttlSeconds }: NameAnswer, more: number): Packet {
    const { RECURSION_AVAILABLE, RECURSION_DESIRED } = this.#packets;
    const { name } = asked.question;
    return {
      type: "response",
      id: asked.id,
      flags: RECURSION_AVAILABLE | (asked.recursionDesired ? RECURSION_DESIRED : 0) | more,
      questions: [asked.question],
      answers: addresses.map((data) => ({ type: "A", class: "IN", name, ttl: ttlSeconds, data })),
    };
  }
}

const responseCodes = { serverFailure: 2, noSuchName: 3 } as const;
