import { version } from "../../domain/version.js";
import { command } from "../command.js";
import { textView, type View } from "../output/view.js";

export const define = command({});

export const run = (): Promise<View> => Promise.resolve(textView(`tenki version ${version}`, { version }));
