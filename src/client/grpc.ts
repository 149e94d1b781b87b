/** The gRPC library and the generated code: all that is slow to load, in a file that the bundle leaves out. */
export { createClient } from "@connectrpc/connect";
export { createGrpcTransport } from "@connectrpc/connect-node";
export { DialService } from "../gen/tenki/engine/v1/dial_pb.js";
export { ExecutionService } from "../gen/tenki/engine/v1/execution_pb.js";
export { SSHService } from "../gen/tenki/engine/v1/ssh_pb.js";
export { EgressService } from "../gen/tenki/engine/v1/egress_pb.js";
export { MemorySnapshotService } from "../gen/tenki/engine/v1/memory_snapshot_pb.js";
export { SessionStatsService } from "../gen/tenki/engine/v1/stats_pb.js";
export { PortService } from "../gen/tenki/engine/v1/port_pb.js";
export { SandboxService, SandboxSessionDataPlaneService } from "../gen/tenki/sandbox/v1/sandbox_pb.js";
export { SSHGatewayClientService } from "../gen/tenki/sandbox/v1/ssh_gateway_client_pb.js";
