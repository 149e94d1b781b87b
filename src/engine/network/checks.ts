import { readFile } from "node:fs/promises";
import { tryProcess } from "../../lib/process.js";
import type { Finding } from "../core/finding.js";
import { findResolver } from "./resolver.js";

/** What a network for each sandbox needs, tried for real. */
export async function checkNetwork(): Promise<Finding[]> {
  return Promise.all([links(), rules(), forwarding(), names()]);
}

async function links(): Promise<Finding> {
  const name = `tkcheck${process.pid % 100_000}`;
  const made = await tryProcess(["ip", "-batch", "-"], {
    input: `netns add ${name}\nlink add ${name} type veth peer name eth0 netns ${name}`,
  }).catch((error: Error) => ({ exitCode: 127, stderr: error.message }));
  await tryProcess(["ip", "netns", "del", name]).catch(() => undefined);
  const ok = made.exitCode === 0;
  const hint =
    made.exitCode === 127
      ? "apt-get install iproute2"
      : "run as root, on a kernel with veth and network namespaces";
  return {
    name: "network links",
    ok,
    required: true,
    detail: ok ? "namespaces and veth pairs can be made" : made.stderr.trim(),
    hint: ok ? undefined : hint,
  };
}

async function rules(): Promise<Finding> {
  const table = `tenki_check_${process.pid}`;
  const made = await tryProcess(["nft", "-f", "-"], {
    input: `add table inet ${table}\nadd chain inet ${table} c { type nat hook prerouting priority dstnat; }\nadd rule inet ${table} c fib daddr type local accept\ndelete table inet ${table}`,
  }).catch((error: Error) => ({ exitCode: 127, stderr: error.message }));
  const ok = made.exitCode === 0;
  const hint =
    made.exitCode === 127 ? "apt-get install nftables" : "a kernel with nf_tables (inet, nat, fib)";
  return {
    name: "network rules",
    ok,
    required: true,
    detail: ok ? "nftables holds the policy" : made.stderr.trim(),
    hint: ok ? undefined : hint,
  };
}

async function forwarding(): Promise<Finding> {
  const on = (await readFile("/proc/sys/net/ipv4/ip_forward", "utf8").catch(() => "")).trim() === "1";
  return {
    name: "packet forwarding",
    ok: true,
    required: false,
    detail: on ? "on" : "off: the engine turns it on when it starts",
  };
}

async function names(): Promise<Finding> {
  const resolver = await findResolver([]);
  return {
    name: "name resolution",
    ok: resolver !== undefined,
    required: false,
    detail:
      resolver === undefined
        ? "the host names no resolver: names do not resolve inside"
        : `questions go to ${resolver}`,
    hint: resolver === undefined ? "tenki engine start --dns ADDRESS" : undefined,
  };
}
