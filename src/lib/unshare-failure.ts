export interface UnshareFailure {
  /** Prose, to stand behind "… cannot be made: ". */
  readonly why: string;
  /** The kernel's setting that would let it through, where one stands in the way. */
  readonly setting?: string | undefined;
}

/** Says in words what `unshare` said when it could not make a namespace; `kind` as in `user.max_<kind>_namespaces`. */
export function explainUnshare(stderr: string, kind: string): UnshareFailure {
  const [said = ""] = stderr.trim().split("\n");
  // The kernel says "no space" where it means "no more of these".
  if (/no space left on device/i.test(said)) {
    const setting = `user.max_${kind}_namespaces`;
    return { why: `the kernel's limit ${setting} is reached`, setting };
  }
  if (/operation not permitted/i.test(said)) return { why: "the kernel does not permit it" };
  return { why: said || "unshare failed" };
}
