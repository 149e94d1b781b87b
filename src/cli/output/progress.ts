import type { Io } from "../io.js";

/** One line that changes while something takes its time. */
export interface Progress {
  update(label: string): void;
  /** Takes the line away. */
  stop(): void;
}

export const noProgress: Progress = { update: () => undefined, stop: () => undefined };

/** A spinner on stderr; the library is loaded when somebody looks. */
export async function startSpinner(io: Io, label: string): Promise<Progress> {
  // A terminal without a width (a serial line, some programs' own) would be redrawn for ever.
  if (io.stderr.columns === 0) return noProgress;
  const { default: ora } = await import("ora");
  const spinner = ora({
    text: label,
    stream: io.stderr as NodeJS.WriteStream,
    discardStdin: false,
    hideCursor: true,
    isEnabled: true, // whoever asks has looked at the terminal; the library looks at variables of CI as well
  });
  spinner.start();
  return {
    update(text) {
      spinner.text = text;
      spinner.render();
    },
    stop() {
      if (spinner.isSpinning) spinner.stop();
    },
  };
}
