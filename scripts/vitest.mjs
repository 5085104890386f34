/**
 * How long the tests of every workspace wait for what will come, on a machine that does other things too. Plain
 * JavaScript: Node.js itself loads what a vitest.config.ts imports from another package.
 */
export const patience = {
  testTimeout: 300_000,
  // Kafka is given 180 s for its first files, and as much to start.
  hookTimeout: 400_000,
  expect: { poll: { timeout: 20_000 } },
};
