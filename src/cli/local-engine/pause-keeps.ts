/** What of a session a pause keeps, by the engine's isolation, in short; `docs/lifetime.md` has it at length. */
const kept: Readonly<Record<string, string>> = {
  container: "processes, memory and files; over a restart of the machine: files",
  namespaces: "nothing: sessions cannot be paused",
  process: "processes, memory and files; over a restart of the machine: files",
};

export const pauseKeeps = (isolation: string): string | null => kept[isolation] ?? null;
