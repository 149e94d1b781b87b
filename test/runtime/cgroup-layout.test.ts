import assert from "node:assert/strict";
import { test } from "node:test";
import { cgroupLayoutOf } from "../../src/engine/runtime/cgroup-layout.js";
import { parseMountInfo } from "../../src/lib/mount-table.js";

const v1 = (name: string, options = name) =>
  `40 30 0:40 / /sys/fs/cgroup/${name} rw,nosuid shared:9 - cgroup cgroup rw,${options}`;
const v2 = (path: string) =>
  `41 30 0:41 / ${path} rw,nosuid shared:10 master:2 - cgroup2 cgroup2 rw,nsdelegate`;

const layoutOf = (...lines: string[]) => cgroupLayoutOf(parseMountInfo(lines.join("\n")));

test("version 1 alone", () => {
  const layout = layoutOf(v1("cpu,cpuacct"), v1("memory"), v1("pids"));
  assert.equal(layout.version, "v1");
  assert.deepEqual(layout.missingControllers, []);
  assert.deepEqual(layout.hierarchies, [
    "/sys/fs/cgroup/cpu,cpuacct",
    "/sys/fs/cgroup/memory",
    "/sys/fs/cgroup/pids",
  ]);
});

test("version 1 controllers beside a version 2", () => {
  const layout = layoutOf(v1("cpu"), v1("memory"), v1("pids"), v2("/sys/fs/cgroup/unified"));
  assert.equal(layout.version, "hybrid");
  assert.ok(layout.hierarchies.includes("/sys/fs/cgroup/unified"));
});

test("each controller is found where it is mounted", () => {
  const split = layoutOf(v1("cpu,cpuacct"), v1("memory"), v2("/sys/fs/cgroup/unified"));
  assert.deepEqual(split.controllerRoots, {
    cpu: "/sys/fs/cgroup/cpu,cpuacct",
    cpuacct: "/sys/fs/cgroup/cpu,cpuacct",
    memory: "/sys/fs/cgroup/memory",
  });
  assert.deepEqual(
    new Set(Object.values(layoutOf(v2("/sys/fs/cgroup")).controllerRoots)),
    new Set(["/sys/fs/cgroup"]),
  );
});

test("version 2 alone, and one that is mounted somewhere else for another purpose", () => {
  assert.equal(layoutOf(v2("/sys/fs/cgroup")).version, "v2");
  assert.equal(layoutOf(v1("cpu"), v2("/run/other/cgroupv2")).version, "v1");
});

test("what is missing is named", () => {
  assert.deepEqual(layoutOf(v1("cpu"), v1("systemd", "name=systemd")).missingControllers, ["memory", "pids"]);
  assert.deepEqual(layoutOf().missingControllers, ["cpu", "memory", "pids"]);
  assert.equal(layoutOf().version, "none");
});

test("what makes processes stand still", () => {
  const version1 = layoutOf(v1("cpu"), v1("freezer"), v2("/sys/fs/cgroup/unified")).freezer;
  assert.deepEqual([version1?.root, version1?.file], ["/sys/fs/cgroup/freezer", "freezer.state"]);
  const version2 = layoutOf(v2("/sys/fs/cgroup")).freezer;
  assert.deepEqual([version2?.root, version2?.file], ["/sys/fs/cgroup", "cgroup.freeze"]);
  assert.equal(layoutOf(v1("cpu")).freezer, undefined);
  assert.equal(layoutOf().freezer, undefined);
});
