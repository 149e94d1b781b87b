import type { Call } from "./cli/call.js";
import type { Io } from "./cli/io.js";
import { version } from "./domain/version.js";

export { processIo } from "./cli/io.js";

/** Runs one command line and returns the code to exit with; the only place that catches and decides it. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  if (argv.length === 1 && (argv[0] === "--version" || argv[0] === "version")) {
    io.stdout.write(`tenki version ${version}\n`);
    return 0;
  }
  const { Call } = await import("./cli/call.js");
  const call = new Call(argv, io);
  try {
    return await call.run();
  } catch (error) {
    return await reported(call, error);
  } finally {
    await call.close();
  }
}

async function reported(call: Call, error: unknown): Promise<number> {
  try {
    return await call.report(error);
  } catch {
    return 1; // stderr is closed: there is nobody left to tell
  }
}
