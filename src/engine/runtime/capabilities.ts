/**
 * What root inside may still do: be root over its own files, users and processes. Not there, on purpose:
 * raw packets and network settings, device nodes, mounts and namespaces, other users' memory, the clock.
 */
export const sandboxCapabilities = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_SETFCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_AUDIT_WRITE",
] as const;
