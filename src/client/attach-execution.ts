import type { TerminalSize } from "../domain/command.js";
import { openAttach } from "./open-attach.js";
import type { Rpc } from "./rpc.js";
import { closeOnAbort, type AttachedCommand, type ConnectionState } from "./running-command.js";
import { StreamedCommand } from "./streamed-command.js";
import { wayBack } from "./way-back.js";

export interface AttachOptions {
  /** Begin behind so many bytes of output, both streams together. Default: with the first that is kept. */
  readonly outputOffset?: number | undefined;
  /** Begin at most so many bytes before the end instead. */
  readonly tailBytes?: number | undefined;
  /** This side's terminal: its size becomes that of the command's. */
  readonly terminal?: TerminalSize | undefined;
  /** Lets go; the command goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Where the connection breaks off, come back for up to 25 s. Default false. */
  readonly resumable?: boolean | undefined;
  readonly onConnection?: ((state: ConnectionState) => void) | undefined;
}

/** Joins a command that runs already, or has ended and is kept; there may be others who do. */
export async function attachExecution(
  rpc: Rpc,
  executionId: string,
  options: AttachOptions = {},
): Promise<AttachedCommand> {
  const { signal, resumable, onConnection, ...from } = options;
  const { pid, link, outputOffset, stdin, takesInput, hasTerminal } = await openAttach(
    rpc,
    { executionId, ...from },
    { signal },
  );
  const name = `execution ${executionId}`;
  const comeBack = resumable === true ? wayBack(rpc, { name, executionId }) : undefined;
  const command = new StreamedCommand({
    ...{ name, pid, link, outputOffset, stdin, takesStdin: takesInput, comeBack, onConnection },
  });
  closeOnAbort(command, signal);
  return Object.assign(command, { hasTerminal, takesInput });
}
