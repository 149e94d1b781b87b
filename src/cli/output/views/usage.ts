import type { UsageLimit } from "../../../domain/usage.js";
import { type Column, column, type Fields, listView, sizeText, type View } from "../view.js";

export const usageView = (limits: readonly UsageLimit[]): View => listView(limits.map(usageFields), columns);

const usageFields = ({ key, label, unit, current, max, helpText }: UsageLimit): Fields => ({
  key,
  label,
  unit: unit.toUpperCase(),
  current,
  max: max ?? null,
  help_text: helpText,
});

const columns: readonly Column[] = [
  column("KEY", "key"),
  { header: "USED", cell: (item) => amount(item, "current") },
  { header: "LIMIT", cell: (item) => amount(item, "max") },
  column("WHAT", "help_text"),
];

function amount(item: Fields, key: "current" | "max"): string {
  const value = item[key];
  if (typeof value !== "number") return "-";
  return item["unit"] === "BYTES" ? sizeText(value) : String(value);
}
