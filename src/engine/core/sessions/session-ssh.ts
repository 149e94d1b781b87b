import { TenkiError } from "../../../domain/error.js";
import { isTerminal } from "../../../domain/session.js";
import type { SessionRecord } from "../ports/store.js";
import type { SshKeyPair } from "../ports/ssh-keys.js";
import { wrongState } from "./session-states.js";
import type { SessionTable } from "./session-table.js";
import { checkAuthorizedKeys } from "../ssh/public-key.js";

/** What the record has about a session's SSH server. */
export class SessionSsh {
  readonly #table: SessionTable;

  constructor(table: SessionTable) {
    this.#table = table;
  }

  /** Instead of those before. */
  setAuthorizedKeys(id: string, keys: readonly string[]): SessionRecord {
    this.#requireLive(id);
    return this.#table.change(id, { sshAuthorizedKeys: checkAuthorizedKeys(keys) });
  }

  /** By which its server shows who it is; made when it is first asked for. */
  async hostKey(id: string, make: () => Promise<SshKeyPair>): Promise<SshKeyPair> {
    const known = this.#requireLive(id).sshHostKey;
    if (known !== undefined) return known;
    const made = await make();
    const meanwhile = this.#requireLive(id).sshHostKey;
    if (meanwhile === undefined) this.#table.change(id, { sshHostKey: made });
    return meanwhile ?? made;
  }

  #requireLive(id: string): SessionRecord {
    const record = this.#table.get(id);
    if (isTerminal(record.state)) throw new TenkiError("failed_precondition", wrongState(record.state));
    return record;
  }
}
