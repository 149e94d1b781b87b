import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { runProcess, tryProcess } from "../../lib/process.js";
import { waitUntil } from "../../lib/wait-until.js";
import type { Slot } from "./slot.js";

/** Makes a namespace with loopback, and a link from it to the host with an address at each end. */
export async function makeLink({ name, hostAddress, guestAddress }: Slot): Promise<void> {
  // No IPv6 address by itself, at either end: the rules speak IPv4. A kernel without IPv6 has no such setting.
  const noIpv6 = (link: string) =>
    existsSync("/proc/sys/net/ipv6") ? [`link set ${link} addrgenmode none`] : [];
  await runProcess(["ip", "-batch", "-"], {
    input: [
      `netns add ${name}`,
      `link add ${name} type veth peer name eth0 netns ${name}`,
      ...noIpv6(name),
      `address add ${hostAddress}/31 dev ${name}`,
      `link set ${name} up`,
    ].join("\n"),
  });
  await runProcess(["ip", "-n", name, "-batch", "-"], {
    input: [
      "link set lo up",
      ...noIpv6("eth0"),
      `address add ${guestAddress}/31 dev eth0`,
      "link set eth0 up",
      `route add default via ${hostAddress}`,
    ].join("\n"),
  });
}

/** Takes the way out of a namespace that is to have none. */
export async function dropDefaultRoute({ name }: Slot): Promise<void> {
  await runProcess(["ip", "-n", name, "route", "del", "default"]);
}

/** Lets packets that were sent on to 127.0.0.0/8 arrive; the rules drop those that were addressed to it. */
export async function admitToLoopback({ name }: Slot): Promise<void> {
  await writeFile(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, "1");
}

/** Whether the kernel still has anything of a slot's. */
export const isLinkThere = ({ name }: Slot): boolean =>
  existsSync(`/sys/class/net/${name}`) || existsSync(`/run/netns/${name}`);

/** Removes both, whatever of them there is, and waits until they are gone. */
export async function removeLink(name: string): Promise<void> {
  await tryProcess(["ip", "link", "del", name]);
  await removeNamespace(name);
}

/** With its namespace a link goes too, but later: see `untilLinkIsGone`. */
export async function removeNamespace(name: string): Promise<void> {
  const { exitCode, stderr } = await tryProcess(["ip", "netns", "del", name]);
  if (exitCode !== 0 && !stderr.includes("No such file")) {
    throw new Error(`cannot remove namespace ${name}: ${stderr.trim()}`);
  }
}

/** Waits for the kernel to unmake a link whose namespace is gone; what stays (a process lingers in it) is removed. */
export async function untilLinkIsGone(name: string): Promise<void> {
  const gone = await waitUntil(() => (existsSync(`/sys/class/net/${name}`) ? undefined : true), {
    timeoutMs: 5_000,
    intervalMs: 20,
  });
  if (gone === undefined) await removeLink(name);
}

/** The names of everything of an engine's that is there, links and namespaces alike. */
export async function listLinks(prefix: string): Promise<Set<string>> {
  const [links, namespaces] = await Promise.all([
    runProcess(["ip", "-j", "link", "show", "type", "veth"]),
    runProcess(["ip", "-j", "netns", "list"]),
  ]);
  const names = [
    ...(JSON.parse(links || "[]") as { ifname?: string }[]).map(({ ifname }) => ifname),
    ...(JSON.parse(namespaces || "[]") as { name?: string }[]).map(({ name }) => name),
  ];
  return new Set(names.filter((name): name is string => name?.startsWith(prefix) === true));
}
