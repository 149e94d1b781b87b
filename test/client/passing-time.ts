import type { TestContext } from "node:test";

/** Time that passes when a test says so: what is bounded by it ends there however busy the machine is. */
export function holdTime(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const now = performance.now.bind(performance);
  let passed = 0;
  t.mock.method(performance, "now", () => now() + passed);
  return (ms) => {
    passed += ms;
    t.mock.timers.tick(ms);
  };
}
