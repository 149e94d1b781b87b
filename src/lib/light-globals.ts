/** What the command line's bundle has in place of globals that are slow to look at for the first time. */
export { PlainHeaders as Headers } from "./plain-headers.js";
export { performance } from "./monotonic-performance.js";
