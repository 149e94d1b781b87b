import type { Clock } from "../core/ports/clock.js";

export const systemClock: Clock = {
  now: () => new Date(),
  after(ms, wake) {
    const timer = setTimeout(wake, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
