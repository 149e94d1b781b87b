import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TerminalSize } from "../domain/command.js";
import type {
  AttachExecutionRequestSchema,
  AttachExecutionResponse,
  AttachOpenSchema,
} from "../gen/tenki/engine/v1/execution_pb.js";
import { commandLink, Uplink, type CommandFrame } from "./command-link.js";
import { eventFromWire } from "./convert/command.js";
import { SandboxError } from "./errors.js";
import { openStream } from "./open-stream.js";
import type { CallSettings, Rpc } from "./rpc.js";
import type { NextLink } from "./streamed-command.js";

type AttachMessageInit = MessageInitShape<typeof AttachExecutionRequestSchema>;

export interface AttachTarget {
  readonly sessionId?: string | undefined;
  readonly executionId: string;
  /** Begin behind so many bytes of output. */
  readonly outputOffset?: number | undefined;
  /** More than 0: begin at most so many bytes before the end instead. */
  readonly tailBytes?: number | undefined;
  /** End behind what there is now. */
  readonly noFollow?: boolean | undefined;
  readonly terminal?: TerminalSize | undefined;
}

/** A stream to a command that runs already, or has ended and is kept. */
export interface Attachment extends NextLink {
  readonly pid: number;
  readonly hasTerminal: boolean;
  readonly takesInput: boolean;
}

/** Opens a stream to an execution, at another address than the client's own where one is given. */
export async function openAttach(
  rpc: Rpc,
  target: AttachTarget,
  call: CallSettings & { readonly endpoint?: string | undefined } = {},
): Promise<Attachment> {
  const open: AttachMessageInit = { payload: { case: "open", value: openMessage(target) } };
  const endpoint = call.endpoint ?? rpc.settings.endpoint;
  const plan = { ...call, endpoint, what: "ExecutionService.AttachExecution", idempotent: true };
  let uplink = new Uplink(open, encodeFrame);
  const stream = await openStream(rpc, plan, (at, options) => {
    uplink = new Uplink(open, encodeFrame);
    return at.executions.attachExecution(uplink.messages(), options);
  });
  const first = await stream.next();
  const payload = first.done ? undefined : first.value.payload;
  if (payload?.case !== "attached") {
    uplink.end();
    stream.close();
    throw new SandboxError(
      "internal",
      `the service did not say where execution ${target.executionId} stands`,
    );
  }
  const { pid, outputOffset, stdinReceived, stdinWindowBytes, terminal } = payload.value;
  return {
    link: commandLink(uplink, stream, (message: AttachExecutionResponse) => eventFromWire(message.payload)),
    outputOffset: Number(outputOffset),
    stdin: { received: Number(stdinReceived), windowBytes: stdinWindowBytes },
    pid: Number(pid),
    hasTerminal: terminal,
    takesInput: stdinWindowBytes > 0,
  };
}

function openMessage(target: AttachTarget): MessageInitShape<typeof AttachOpenSchema> {
  const { sessionId = "", executionId, outputOffset = 0, tailBytes = 0, noFollow = false, terminal } = target;
  return {
    ...{ sessionId, executionId, noFollow, terminal },
    outputOffset: BigInt(outputOffset),
    tailBytes: BigInt(tailBytes),
  };
}

function encodeFrame(frame: CommandFrame): AttachMessageInit {
  switch (frame.kind) {
    case "stdin":
      return { payload: { case: "stdin", value: frame.data } };
    case "stdin_close":
      return { payload: { case: "stdinClose", value: {} } };
    case "signal":
      return { payload: { case: "signal", value: frame.name } };
    default:
      return { payload: { case: "resize", value: frame.size } };
  }
}
