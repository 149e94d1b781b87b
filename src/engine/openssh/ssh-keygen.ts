import { TenkiError } from "../../domain/error.js";
import { runProcess } from "../../lib/process.js";
import { systemEnvironment } from "../../lib/system-environment.js";

/** Runs OpenSSH's key program to its end; one that fails throws `ProcessError`. No secret is among its arguments. */
export async function sshKeygen(argv: readonly string[]): Promise<void> {
  try {
    await runProcess(["ssh-keygen", "-q", ...argv], { env: { ...systemEnvironment, TZ: "UTC" } });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new TenkiError("failed_precondition", "ssh is not to be had: this machine has no ssh-keygen", {
      cause: error,
      hint: "apt-get install openssh-client",
    });
  }
}
