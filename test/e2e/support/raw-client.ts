import { createClient, type Client, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { ExecutionService } from "../../../src/gen/tenki/engine/v1/execution_pb.js";
import {
  SandboxService,
  SandboxSessionDataPlaneService,
} from "../../../src/gen/tenki/sandbox/v1/sandbox_pb.js";

export interface RawClient {
  readonly sandbox: Client<typeof SandboxService>;
  readonly executions: Client<typeof ExecutionService>;
  readonly dataPlane: (credential: string) => Client<typeof SandboxSessionDataPlaneService>;
}

/** An engine's services with nothing in between: it never tries again, and never comes back by itself. */
export function rawClient(endpoint: string, token: string): RawClient {
  const transport = (name: string, value: string) => {
    const withHeader: Interceptor = (next) => (request) => {
      request.header.set(name, value);
      return next(request);
    };
    return createGrpcTransport({ baseUrl: endpoint, interceptors: [withHeader] });
  };
  const withToken = transport("authorization", `Bearer ${token}`);
  return {
    sandbox: createClient(SandboxService, withToken),
    executions: createClient(ExecutionService, withToken),
    dataPlane: (credential) =>
      createClient(SandboxSessionDataPlaneService, transport("x-tenki-session-cert", credential)),
  };
}
