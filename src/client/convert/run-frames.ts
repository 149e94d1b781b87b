import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  RunRequestSchema,
  SandboxSessionDataPlaneServiceRunRequestSchema as RunMessageSchema,
  SandboxSessionDataPlaneServiceRunResponse as RunMessage,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { CommandEvent, CommandFrame } from "../command-link.js";
import { SandboxError } from "../errors.js";
import type { StartOptions } from "../options/commands.js";
import { eventFromWire, signalToWire } from "./command.js";

type RunMessageInit = MessageInitShape<typeof RunMessageSchema>;
type RunPayload = NonNullable<MessageInitShape<typeof RunRequestSchema>["payload"]>;

/** The first frame of a Run stream. */
export function startMessage(
  sessionId: string,
  argv: readonly string[],
  options: StartOptions,
): RunMessageInit {
  const { terminal } = options;
  const size = terminal === undefined ? {} : { COLUMNS: `${terminal.columns}`, LINES: `${terminal.rows}` };
  return toMessage({
    case: "start",
    value: {
      sessionId,
      cmd: [...argv],
      cwd: options.cwd ?? "",
      env: { ...options.env, ...size },
      pty: terminal !== undefined,
      streamStdin: options.stdin === true,
      timeoutMs: options.timeoutMs ?? 0,
      privileged: options.privileged ?? false,
    },
  });
}

export function encodeRunFrame(frame: CommandFrame): RunMessageInit {
  switch (frame.kind) {
    case "stdin":
      return toMessage({ case: "stdin", value: frame.data });
    case "stdin_close":
      return toMessage({ case: "stdinClose", value: true });
    case "signal":
      return toMessage({ case: "signal", value: { signal: signalToWire(frame.name) } });
    default:
      throw new SandboxError("unimplemented", "the contract has no frame for a terminal's size");
  }
}

export const decodeRunMessage = ({ frame }: RunMessage): CommandEvent | undefined =>
  frame && eventFromWire(frame.payload);

const toMessage = (payload: RunPayload): RunMessageInit => ({ frame: { payload } });
