/**
 * How long the tests of every workspace wait for an expected event, on a machine that is busy with other work. This is
 * plain JavaScript: Node.js itself loads what a vitest.config.ts imports from another package.
 */
export const patience = {
  testTimeout: 300_000,
  // Kafka has 180 s to format its storage, and another 180 s to start.
  hookTimeout: 400_000,
  expect: { poll: { timeout: 20_000 } },
};
