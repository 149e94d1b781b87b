/** As much of it as is used here. */
declare module "dns-packet" {
  export interface Question {
    readonly type: string;
    readonly class?: string;
    readonly name: string;
  }

  export interface Packet {
    readonly type?: "query" | "response";
    readonly id?: number;
    readonly flags?: number;
    readonly opcode?: string;
    readonly questions?: readonly Question[];
    readonly answers?: readonly {
      readonly type: "A";
      readonly class: "IN";
      readonly name: string;
      readonly ttl: number;
      readonly data: string;
    }[];
  }

  export interface Packets {
    readonly RECURSION_DESIRED: number;
    readonly RECURSION_AVAILABLE: number;
    readonly AUTHORITATIVE_ANSWER: number;
    decode(message: Buffer): Packet & { readonly id: number; readonly questions: readonly Question[] };
    encode(packet: Packet): Buffer;
    encodingLength(packet: Packet): number;
  }

  const packets: Packets;
  export default packets;
}
