import { stringify } from "yaml";
import { plainValue } from "./json.js";
import type { Value } from "./view.js";

export const yamlText = (value: Value): string => stringify(plainValue(value), { lineWidth: 0 });
