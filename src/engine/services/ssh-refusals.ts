import type { LoginRefusal } from "../../domain/login-refusal.js";
import type { SshCaller } from "./ssh-caller.js";

/** As sshd says it. What comes from inside decides which of our words is told, and never what it says. */
const sayings: readonly (readonly [saying: RegExp, refusal: LoginRefusal])[] = [
  [/^Certificate invalid: expired$/, "certificate_expired"],
  [/^Certificate invalid: not yet valid$/, "certificate_not_yet_valid"],
  [/^Certificate does not contain an authorized principal$/, "certificate_not_for_this"],
  [/^(Invalid user |User \S+ .*not allowed because )/, "unknown_user"],
];

/** Tells the client, beside ssh's own bytes, why the server lets it not in: each reason once, as a text message. */
export class SshRefusals {
  readonly #caller: SshCaller;
  readonly #told = new Set<LoginRefusal>();

  constructor(caller: SshCaller) {
    this.#caller = caller;
  }

  /** A line that the server has said. */
  hear(line: string): void {
    const refusal = sayings.find(([saying]) => saying.test(line))?.[1];
    if (refusal === undefined || this.#told.has(refusal)) return;
    this.#told.add(refusal);
    this.#caller.tell(JSON.stringify({ login_refused: refusal }));
  }
}
