import { TenkiError } from "../../../domain/error.js";
import {
  type WorkspaceSettings as Settings,
  type WorkspaceSettingsChange,
  workspaceSettingNames,
} from "../../../domain/workspace-settings.js";
import { defaultMaxStickySessions } from "./limits.js";
import type { Store } from "../ports/store.js";

/** What a workspace has that nobody set: as much of everything as the machine carries, but few that are never paused. */
const defaults: Settings = { maxStickySessions: defaultMaxStickySessions };

const storedAs = "workspace_settings";

/** The settings of the engine's workspace; what was never set follows the defaults. */
export class WorkspaceSettings {
  readonly #store: Store;
  #kept: WorkspaceSettingsChange;

  constructor(store: Store) {
    this.#store = store;
    this.#kept = JSON.parse(store.getSetting(storedAs) ?? "{}") as WorkspaceSettingsChange;
  }

  get(): Settings {
    const kept = { ...defaults, ...this.#kept };
    return Object.fromEntries(
      workspaceSettingNames.flatMap((name) => (kept[name] == null ? [] : [[name, kept[name]]])),
    );
  }

  update(change: WorkspaceSettingsChange): Settings {
    const kept: WorkspaceSettingsChange = { ...this.#kept, ...checked(change) };
    this.#store.setSetting(storedAs, JSON.stringify(kept));
    this.#kept = kept;
    return this.get();
  }
}

/** Without what is left as it is. */
function checked(change: WorkspaceSettingsChange): WorkspaceSettingsChange {
  const changes = workspaceSettingNames.flatMap((name) =>
    change[name] === undefined ? [] : [[name, change[name]] as const],
  );
  for (const [name, value] of changes) if (value !== null) checkValue(name, value);
  return Object.fromEntries(changes);
}

function checkValue(name: keyof Settings, value: number): void {
  const isTime = name.endsWith("Ms");
  if (value > 0 && value <= Number.MAX_SAFE_INTEGER && (isTime || Number.isInteger(value))) return;
  throw new TenkiError("invalid_argument", `${wireName(name)} has to be more than 0`, {
    hint: `clear_${wireName(name)} takes it away`,
  });
}

const wireName = (name: string): string =>
  name.replace(/Ms$/, "").replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
