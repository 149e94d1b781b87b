import { pipeline, type Duplex } from "node:stream";

/** Carries bytes both ways until both sides have said their last, or one breaks. */
export function joinStreams(one: Duplex, other: Duplex, onBytes: () => void): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const carry = (from: Duplex, to: Duplex) => {
      from.on("data", onBytes);
      pipeline(from, to, (error) => {
        open -= 1;
        if (error || open === 0) end();
      });
    };
    const end = () => {
      one.destroy();
      other.destroy();
      resolve();
    };
    carry(one, other);
    carry(other, one);
  });
}
