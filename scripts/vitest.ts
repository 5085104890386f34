/** How long the tests of every workspace wait for what will come, on a machine that does other things too. */
export const patience = {
  testTimeout: 60_000,
  hookTimeout: 90_000,
  expect: { poll: { timeout: 20_000 } },
};
