/** What a running engine writes into its data directory, for the command line to find it by. */
export interface EngineState {
  readonly endpoint: string;
  readonly pid: number;
  /** The process's start in clock ticks since boot: with the pid, it names one process for good. */
  readonly pidStartTicks: string;
  readonly version: string;
  readonly dataDir: string;
  readonly isolation: string;
}

/** The files of a data directory that others than the engine may read. */
export const engineFiles = {
  state: "engine.json",
  token: "token",
  log: "engine.log",
  /** Where an engine in the background says what it has no log for. */
  output: "engine.log.stderr",
  record: "record.db",
  /** Without root: the process that keeps the namespaces of the sandboxes alive between two engines. */
  holder: "holder.json",
} as const;

/** The port an engine listens on unless told otherwise: TENK on a telephone's keys. */
export const defaultEnginePort = 8365;
