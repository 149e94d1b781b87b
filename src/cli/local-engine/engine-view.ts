import { objectView, type View } from "../output/view.js";
import type { LocalEngine } from "./find-engine.js";

/** What `engine start` prints: enough for another program to connect. */
export const startedView = ({ endpoint, token, dataDir, pid, version }: LocalEngine): View =>
  objectView({ endpoint, token, data_dir: dataDir, pid, version });
