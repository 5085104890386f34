import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { progress } from "../src/progress.ts";

let written = "";

beforeEach(() => {
  written = "";
  vi.useFakeTimers();
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    written += text;
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function slow<T>(ms: number, outcome: () => T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, ms)).then(outcome);
}

it("says what is being done, and no more if that is quick", async () => {
  const done = progress(
    "Starting",
    slow(1900, () => "result"),
  );
  await vi.advanceTimersByTimeAsync(1900);
  expect(await done).toBe("result");
  expect(written).toBe("Starting …\n");
});

it("moves when it takes longer", async () => {
  const done = progress(
    "Starting",
    slow(3600, () => "result"),
  );
  await vi.advanceTimersByTimeAsync(3600);
  await done;
  expect(written).toBe("Starting …....\n");
});

it("ends its line when the work fails", async () => {
  const done = progress(
    "Starting",
    slow(100, () => {
      throw new Error("no luck");
    }),
  );
  const caught = expect(done).rejects.toThrow("no luck");
  await vi.advanceTimersByTimeAsync(100);
  await caught;
  expect(written).toBe("Starting …\n");
});
