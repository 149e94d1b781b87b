/** What a session gets when its creator says nothing. */
export const defaultResources = { cpuCores: 2, memoryMb: 4096, diskSizeGb: 10 } as const;

export const defaultNetwork = { allowInbound: false, allowOutbound: true } as const;

/** The contract's bounds, for messages and help; the engine holds them by the contract's own rules. */
export const resourceBounds = {
  cpuCores: { min: 1, max: 16 },
  memoryMb: { min: 128, max: 65536 },
  diskSizeGb: { min: 5, max: 100 },
} as const;
