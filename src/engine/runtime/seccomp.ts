import { allowedSyscalls, refusedSyscalls } from "./allowed-syscalls.js";

export interface SeccompFilter {
  readonly defaultAction: string;
  readonly defaultErrnoRet: number;
  readonly architectures: readonly string[];
  readonly syscalls: readonly SyscallRule[];
}

export interface SyscallRule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  readonly errnoRet?: number;
  /** All of them must hold. */
  readonly args?: readonly ArgumentCondition[];
}

interface ArgumentCondition {
  readonly index: number;
  readonly op: "SCMP_CMP_EQ" | "SCMP_CMP_GT" | "SCMP_CMP_MASKED_EQ";
  /** The mask, where the operation is masked. */
  readonly value: number;
  readonly valueTwo?: number;
}

/**
 * The filter that every process of a sandbox runs under: what is not allowed does not exist.
 * `architecture` is Node's name for the machine's; undefined where we have no filter for it.
 */
export function seccompFilter(architecture: string): SeccompFilter | undefined {
  const architectures = architecturesOf[architecture];
  if (architectures === undefined) return undefined;
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: errno.ENOSYS,
    architectures,
    syscalls: [
      socketcallRule,
      { names: Object.values(allowedSyscalls).flat(), action: "SCMP_ACT_ALLOW" },
      { names: refusedSyscalls, action: "SCMP_ACT_ERRNO", errnoRet: errno.EPERM },
      cloneRule,
      ...socketRules(),
      ...personalityRules(),
    ],
  };
}

const errno = { EPERM: 1, ENOSYS: 38, EAFNOSUPPORT: 97 } as const;

/**
 * The native one, and the 32-bit one whose programs the same kernel runs. A call by any other convention
 * kills its caller: that of x32 too, which distributions switch off, and whose rules took a third of the
 * time that a sandbox takes to start.
 */
const architecturesOf: Readonly<Record<string, readonly string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/**
 * 32-bit x86's way to every socket call, its arguments in memory that a filter cannot read: it would
 * open the families that `socket` refuses. It has to come before the rules for `socket`, from which
 * libseccomp derives an allowance for it otherwise.
 */
const socketcallRule: SyscallRule = {
  names: ["socketcall"],
  action: "SCMP_ACT_ERRNO",
  errnoRet: errno.EPERM,
};

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET. */
const newNamespaceFlags = 0x7e020000;

/** Threads and children, no namespaces. `clone3`, whose flags lie in memory, does not exist: libc then uses `clone`. */
const cloneRule: SyscallRule = {
  names: ["clone"],
  action: "SCMP_ACT_ALLOW",
  args: [{ index: 0, op: "SCMP_CMP_MASKED_EQ", value: newNamespaceFlags, valueTwo: 0 }],
};

const AF_NETLINK = 16;

/** Unix, IPv4 and IPv6 sockets; of netlink what reads routes, lists sockets and writes sudo's audit record. */
function socketRules(): SyscallRule[] {
  const families = { AF_UNSPEC: 0, AF_UNIX: 1, AF_INET: 2, AF_INET6: 10 };
  const netlinkProtocols = { NETLINK_ROUTE: 0, NETLINK_SOCK_DIAG: 4, NETLINK_AUDIT: 9 };
  return [
    ...Object.values(families).map((family) => allowIf("socket", equals(0, family))),
    ...Object.values(netlinkProtocols).map((protocol) =>
      allowIf("socket", equals(0, AF_NETLINK), equals(2, protocol)),
    ),
    // Packet, crypto, vsock, Bluetooth, XDP and the like: programs that probe for them know this answer.
    {
      names: ["socket"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: errno.EAFNOSUPPORT,
      args: [{ index: 0, op: "SCMP_CMP_GT", value: AF_NETLINK }],
    },
  ];
}

/** Linux, 32-bit Linux, either with the old version number, without address randomisation (debuggers), and the question. */
function personalityRules(): SyscallRule[] {
  const noRandomisation = 0x0040000;
  return [0x0, 0x8, 0x20000, 0x20008, noRandomisation, 0xffffffff].map((persona) =>
    allowIf("personality", equals(0, persona)),
  );
}

const allowIf = (name: string, ...args: ArgumentCondition[]): SyscallRule => ({
  names: [name],
  action: "SCMP_ACT_ALLOW",
  args,
});

const equals = (index: number, value: number): ArgumentCondition => ({ index, op: "SCMP_CMP_EQ", value });
