import type { CommandModule, Outcome, Result } from "./command.js";
import { commands } from "./commands/index.js";
import { type CommonOptions, Context } from "./context.js";
import { exitCodeOf, signalCode } from "./exit-codes.js";
import { commonOptions } from "./flags/common.js";
import { InterruptedError, Interrupts } from "./interrupts.js";
import type { Io } from "./io.js";
import { asTenkiError, reportError } from "./output/error.js";
import { render, type RenderOptions } from "./output/render.js";
import { OutputClosedError, writeBytes } from "./output/write.js";
import { readRequest } from "./program.js";

const helpWidth = 100;

/** One run of the command line, from its words to its exit code. */
export class Call {
  readonly #argv: readonly string[];
  readonly #io: Io;
  readonly #interrupts: Interrupts;
  #common: CommonOptions;
  #context: Context | undefined;
  #runsCommand = false;
  #path = "tenki";

  constructor(argv: readonly string[], io: Io) {
    this.#argv = argv;
    this.#io = io;
    this.#interrupts = new Interrupts(io);
    this.#common = guessCommon(argv);
  }

  async run(): Promise<number> {
    const width = Math.min(helpWidth, this.#io.stdout.columns ?? helpWidth);
    const request = await readRequest(commands, this.#argv, width);
    if (request.kind === "help") {
      await writeBytes(this.#io.stdout, request.text);
      return 0;
    }
    this.#common = commonOptions(request.common);
    const { module, options } = request.kind === "version" ? await versionCommand() : request;
    if (request.kind === "command") this.#path = request.path;
    this.#runsCommand = module.define.runsCommand === true;
    this.#context = new Context(this.#io, this.#common, this.#interrupts);
    const running = module.run(options as never, this.#context);
    running.catch(() => undefined); // where an interruption wins, its end is nobody's concern any more
    return this.#conclude(await Promise.race([running, this.#interrupts.over]));
  }

  /** Tells a person, or a program, and returns the code that says the same. */
  async report(error: unknown): Promise<number> {
    if (error instanceof OutputClosedError) return this.#runsCommand ? signalCode("PIPE") : 0;
    const cause =
      this.#interrupts.signal.aborted && !(error instanceof InterruptedError)
        ? this.#interrupts.signal.reason
        : error;
    this.#context?.stopProgress();
    await reportError(cause, this.#io, {
      json: this.#common.output === "json",
      verbose: this.#common.verbose,
      color: this.#common.color,
      hint:
        asTenkiError(cause).kind === "usage"
          ? `${this.#path} --help`
          : this.#context?.hintFor(asTenkiError(cause)),
    });
    if (cause instanceof InterruptedError) return cause.exitCode;
    return exitCodeOf(asTenkiError(cause).kind, this.#runsCommand);
  }

  async close(): Promise<void> {
    this.#interrupts.release();
    await this.#context?.close();
  }

  #rendering(): RenderOptions {
    const { output, quiet } = this.#common;
    const interrupt = () => this.#interrupts.interrupt("INT");
    return { output, quiet, interrupt, signal: this.#interrupts.signal };
  }

  async #conclude(result: Result): Promise<number> {
    this.#context?.stopProgress();
    const outcome: Outcome = result === undefined ? {} : "kind" in result ? { view: result } : result;
    if (outcome.view !== undefined) await render(outcome.view, this.#io, this.#rendering());
    if (outcome.error !== undefined) throw outcome.error;
    const { aborted, reason } = this.#interrupts.signal;
    if (outcome.view?.kind === "live" && aborted) return (reason as InterruptedError).exitCode; // how it is ended
    return outcome.exitCode ?? 0;
  }
}

async function versionCommand(): Promise<{ module: CommandModule; options: object }> {
  return { module: await import("./commands/version.js"), options: {} };
}

/** What errors in the words themselves are told in: flags that nobody has read yet. */
function guessCommon(argv: readonly string[]): CommonOptions {
  const words = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const line = ` ${words.join(" ")} `;
  const json = / (--json|--output[ =]json|-o ?json) /.test(line);
  const color = line.includes(" --no-color ") ? false : undefined;
  return { output: json ? "json" : "text", quiet: false, verbose: false, input: true, color };
}
