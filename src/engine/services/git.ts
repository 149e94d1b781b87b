import type { ServiceImpl } from "@connectrpc/connect";
import type { SandboxService } from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import type { Git } from "../core/git/git.js";

/** Git in a session. */
export const gitMethods = (git: Git) =>
  ({
    async gitOperation({ sessionId, operation, args }, context) {
      return { output: await git.operate(sessionId, operation, args, context.signal) };
    },
  }) satisfies Partial<ServiceImpl<typeof SandboxService>>;
