/** Why a session's SSH server lets somebody not in, where what it says itself tells more than "permission denied". */
export const loginRefusals = [
  "certificate_expired",
  "certificate_not_yet_valid",
  "certificate_not_for_this",
  "unknown_user",
] as const;

export type LoginRefusal = (typeof loginRefusals)[number];
