import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import {
  CreateSessionRequestSchema,
  SandboxSessionDataPlaneServiceRunRequestSchema,
} from "../../gen/tenki/sandbox/v1/sandbox_pb.js";
import { type RuleViolation, validateRequest } from "../services/request-rules.js";
import { checkFirstMessage } from "./first-message.js";

/** Holds every request against the contract's rules, a stream by its first message. */
export const validateRequests = (): Interceptor =>
  checkFirstMessage((message, { method }) => {
    const violations = validateRequest(method.input, message);
    if (violations.length > 0) throw new ConnectError(describe(violations), Code.InvalidArgument);
  });

/** The rules are read when the first request comes, which takes a while: unless they were by then. */
export function readRulesAhead(): void {
  for (const schema of [CreateSessionRequestSchema, SandboxSessionDataPlaneServiceRunRequestSchema]) {
    validateRequest(schema, create(schema));
  }
}

/** More than a person reads at once says no more. */
const shown = 5;

const describe = (violations: readonly RuleViolation[]): string =>
  violations
    .slice(0, shown)
    .map(({ field, message, rule }) => `${field === "" ? "" : `${field}: `}${message} [${rule}]`)
    .join("; ");
