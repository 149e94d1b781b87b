import assert from "node:assert/strict";
import { test } from "node:test";
import { Code, ConnectError } from "@connectrpc/connect";
import * as client from "../../src/client/index.js";
import { errorKinds } from "../../src/domain/error.js";
import { scriptedService, sessionId } from "./scripted-service.js";

/** Code, what the service says, and the error that it becomes. */
const table: readonly (readonly [Code, string, new (...args: never[]) => client.SandboxError])[] = [
  [Code.Unauthenticated, "who are you", client.UnauthorizedError],
  [Code.PermissionDenied, "not yours", client.PermissionDeniedError],
  [Code.NotFound, "Template build not found", client.TemplateBuildNotFoundError],
  [Code.NotFound, "template not found", client.TemplateNotFoundError],
  [Code.NotFound, "registry image not found", client.RegistryImageNotFoundError],
  [Code.NotFound, "snapshot not found", client.SnapshotNotFoundError],
  [Code.NotFound, "volume not found", client.VolumeNotFoundError],
  [Code.NotFound, "artifact not found", client.SessionExpiredError],
  [Code.NotFound, "/home/tenki/x: No such file or directory", client.FileNotFoundError],
  [Code.NotFound, "session not found", client.SessionNotFoundError],
  [Code.AlreadyExists, "template exists", client.TemplateExistsError],
  [Code.AlreadyExists, "a volume of that name exists", client.SandboxError],
  [Code.ResourceExhausted, "maximum exposed ports reached", client.PortLimitExceededError],
  [Code.ResourceExhausted, "volume limit reached", client.VolumeLimitExceededError],
  [Code.ResourceExhausted, "rate limit exceeded", client.RateLimitedError],
  [Code.ResourceExhausted, "no capacity", client.CapacityUnavailableError],
  [Code.ResourceExhausted, "too many sessions", client.QuotaExceededError],
  [Code.FailedPrecondition, "snapshot not yet durable", client.SnapshotNotDurableError],
  [Code.FailedPrecondition, "template build already in progress", client.TemplateBuildInProgressError],
  [Code.FailedPrecondition, "session is terminated", client.SessionTerminatedError],
  [Code.FailedPrecondition, "volume sync pending", client.VolumeSyncPendingError],
  [Code.FailedPrecondition, "volume is attached elsewhere", client.VolumeInUseError],
  [Code.FailedPrecondition, "volume is in use", client.VolumeInUseError],
  [Code.FailedPrecondition, "inbound access is disabled", client.InboundDisabledError],
  [Code.FailedPrecondition, "SSH is not up", client.SSHUnavailableError],
  [Code.FailedPrecondition, "cannot do that (state=PAUSED)", client.InvalidStateError],
  [Code.DeadlineExceeded, "the command ran out of time", client.CommandTimeoutError],
  [Code.Unimplemented, "not in this deployment", client.CapabilityUnavailableError],
  [Code.Internal, "boom", client.SandboxError],
  [Code.InvalidArgument, "name: too long", client.SandboxError],
  [Code.DataLoss, "gone", client.SandboxError],
];

for (const [code, message, type] of table) {
  test(`${Code[code]} "${message}" is a ${type.name}`, async () => {
    await using service = await scriptedService({
      sandbox: {
        extendSession: () => {
          throw new ConnectError(message, code);
        },
      },
    });
    const error = await service
      .client()
      .session(sessionId)
      .extend(1)
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    assert.ok(error instanceof client.SandboxError);
    assert.equal(error.constructor, type);
    assert.equal(error.name, type.name);
    assert.equal(error.kind, errorKinds[code]);
    assert.equal(error.message, message);
    assert.ok(error.cause instanceof ConnectError);
  });
}

test("an SSH server that is away is told from a service that is", async () => {
  await using service = await scriptedService({
    sandbox: {
      updateSSHAuthorizedKeys: () => {
        throw new ConnectError("ssh is not ready", Code.Unavailable);
      },
    },
  });
  const setting = service.client().session(sessionId).updateSshAuthorizedKeys(["ssh-ed25519 AAAA"]);
  await assert.rejects(setting, client.SSHUnavailableError);
});

test("git's own failure comes with its exit code and what it said", async () => {
  const text =
    "git clone failed (exit_code=128); check the repository, ref and access token: fatal: no such repository";
  await using service = await scriptedService({
    sandbox: {
      gitOperation: () => {
        throw new ConnectError(text, Code.FailedPrecondition);
      },
    },
  });
  await assert.rejects(service.client().session(sessionId).git.clone("https://example.invalid/x"), {
    name: "GitOperationFailedError",
    exitCode: 128,
    stderr: "fatal: no such repository",
  });
});

test("a refused token comes with the way to a good one", async () => {
  await using service = await scriptedService({
    sandbox: {
      whoAmI: () => {
        throw new ConnectError("bad token", Code.Unauthenticated);
      },
    },
  });
  await assert.rejects(service.client().whoAmI(), { hint: "run `tenki login`, or set TENKI_AUTH_TOKEN" });
});

test("a hint that the service says apart from its message is the error's", async () => {
  await using service = await scriptedService({
    sandbox: {
      whoAmI: () => {
        const metadata = { "x-tenki-hint": encodeURIComponent("try 1 … 2") };
        throw new ConnectError("too many (try 1 … 2)", Code.ResourceExhausted, metadata);
      },
    },
  });
  await assert.rejects(service.client().whoAmI(), { message: "too many", hint: "try 1 … 2" });
});

test("a token or credential that the service repeats is blanked", async () => {
  await using service = await scriptedService({
    sandbox: {
      whoAmI: () => {
        throw new ConnectError("no such key: tk_test", Code.Unauthenticated);
      },
    },
    dataPlane: {
      mkdir: () => {
        throw new ConnectError("cert-1 is not for you", Code.PermissionDenied);
      },
    },
  });
  const one = service.client();
  await assert.rejects(one.whoAmI(), { message: "no such key: ***" });
  await assert.rejects(one.session(sessionId).mkdir("x"), { message: "*** is not for you" });
});

test("every error has the one class that a program may catch", () => {
  for (const [name, type] of Object.entries(client)) {
    if (!name.endsWith("Error") || name === "TenkiError") continue;
    assert.ok(type === client.SandboxError || client.SandboxError.isPrototypeOf(type), name);
  }
});
