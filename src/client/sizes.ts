/** Sizes in bytes: powers of ten, and of two. */
export const Byte = 1;
export const KB = 1_000;
export const MB = 1_000_000;
export const GB = 1_000_000_000;
export const TB = 1_000_000_000_000;
export const KiB = 1_024;
export const MiB = 1_048_576;
export const GiB = 1_073_741_824;
export const TiB = 1_099_511_627_776;
