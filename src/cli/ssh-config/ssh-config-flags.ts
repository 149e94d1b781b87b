import { flag, toggle } from "../flags/flag.js";
import { localFile } from "../flags/parsers/paths.js";

export const fileFlag = {
  file: flag("FILE", "another ssh config than ~/.ssh/config; ssh -F FILE reads it", localFile),
};

export const forceFlag = { force: toggle("even where somebody has edited tenki's part") };
