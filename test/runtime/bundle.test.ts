import assert from "node:assert/strict";
import { test } from "node:test";
import { ociConfig, type BundleSpec } from "../../src/engine/runtime/bundle.js";
import { seccompFilter } from "../../src/engine/runtime/seccomp.js";

const spec: BundleSpec = {
  rootDirectory: "/data/sessions/one/root",
  hostname: "one",
  cgroupsPath: "/tenki-0/one",
  networkNamespacePath: "/run/netns/n",
  guestBinary: "/opt/guest",
  limits: { cpuCores: 3, memoryMb: 1024 },
  machine: {
    architecture: "x64",
    boundsSwap: true,
    hasCgroupNamespace: true,
    rootless: false,
    ownsLimits: true,
    maxOpenFiles: 1_048_576,
    maxUserProcesses: 1e6,
  },
};

const on = (machine: Partial<BundleSpec["machine"]>) =>
  ociConfig({ ...spec, machine: { ...spec.machine, ...machine } });

test("every namespace but the user's is new, the network's is the one given", () => {
  assert.deepEqual(ociConfig(spec).linux["namespaces"], [
    { type: "mount" },
    { type: "pid" },
    { type: "ipc" },
    { type: "uts" },
    { type: "cgroup" },
    { type: "network", path: "/run/netns/n" },
  ]);
});

test("limits: processors, memory without swap, processes, devices", () => {
  assert.deepEqual(ociConfig(spec).linux["resources"], {
    devices: [{ allow: false, access: "rwm" }],
    cpu: { quota: 300_000, period: 100_000 },
    memory: { limit: 2 ** 30, swap: 2 ** 30 },
    pids: { limit: 2048 },
  });
});

test("no more processes than the memory can carry, and never too few for a shell's", () => {
  for (const [memoryMb, limit] of [
    [128, 256],
    [512, 1024],
    [65_536, 4096],
  ] as const) {
    const resources = ociConfig({ ...spec, limits: { cpuCores: 1, memoryMb } }).linux["resources"];
    assert.deepEqual((resources as { pids: unknown }).pids, { limit });
  }
});

test("a machine that gives less gets less asked of it", () => {
  const { linux, process } = on({
    rootless: true,
    boundsSwap: false,
    hasCgroupNamespace: false,
    ownsLimits: false,
    maxOpenFiles: 20_000,
  });
  assert.deepEqual((linux["resources"] as { memory: unknown }).memory, { limit: 2 ** 30 });
  assert.ok(!JSON.stringify(linux["namespaces"]).includes("cgroup"));
  assert.deepEqual((process["rlimits"] as unknown[])[0], {
    type: "RLIMIT_NOFILE",
    soft: 20_000,
    hard: 20_000,
  });
  assert.equal(process["oomScoreAdj"], undefined);
  assert.deepEqual(linux["sysctl"], { "net.ipv4.ip_unprivileged_port_start": "0" });
});

test("memory file systems together stay below the memory", () => {
  for (const memoryMb of [128, 4096]) {
    const { mounts } = ociConfig({ ...spec, limits: { cpuCores: 1, memoryMb } });
    const sizes = mounts
      .filter(({ type }) => type === "tmpfs")
      .map(({ options }) =>
        Number(/^size=(\d+)m$/.exec(options.find((option) => option.startsWith("size=")) ?? "")?.[1]),
      );
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) < memoryMb * 0.75, sizes.join());
  }
});

test("no mount brings devices or setuid programs, and the guest program cannot be written", () => {
  for (const { destination, type, options } of ociConfig(spec).mounts) {
    assert.ok(options.includes("nosuid"), destination);
    if (destination !== "/dev" && type !== "devpts") assert.ok(options.includes("nodev"), destination);
  }
  const guest = ociConfig(spec).mounts.find(({ source }) => source === "/opt/guest");
  assert.ok(guest?.options.includes("ro"));
  assert.deepEqual(ociConfig(spec).process["args"], [guest?.destination, "init"]);
});

test("a filter for each processor that we know, none for others", () => {
  assert.deepEqual(seccompFilter("arm64")?.architectures, ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]);
  assert.equal(seccompFilter("x64")?.architectures[0], "SCMP_ARCH_X86_64");
  assert.equal(seccompFilter("mips"), undefined);
});

test("no system call is in two lists", () => {
  const filter = seccompFilter("x64");
  const unconditional = filter?.syscalls.filter(({ args }) => args === undefined) ?? [];
  const names = unconditional.flatMap(({ names }) => names);
  assert.deepEqual(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});
