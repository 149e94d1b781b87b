import { type EngineOptions, runEngine } from "../../src/engine/main.js";

// What the command line does, without the command line.
try {
  const options = JSON.parse(process.argv[2] ?? "{}") as EngineOptions;
  process.exitCode = await runEngine(options, { stderr: (text) => void process.stderr.write(text) });
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
