import { describe, expect, test } from "vitest";
import { Counter, type Counts } from "../tally/counts.ts";

function count(output: string, exitCode = 0, command = "run-tests"): Counts {
  const counter = new Counter();
  counter.feed(output);
  return counter.finish(command, exitCode);
}

describe("ctest", () => {
  test("all passed", () => {
    expect(count("100% tests passed, 0 tests failed out of 12\n")).toMatchObject({
      runner: "ctest",
      passed: 12,
      failed: 0,
    });
  });

  test("failures have names", () => {
    const output = [
      "67% tests passed, 2 tests failed out of 6",
      "",
      "Total Test time (real) =   0.03 sec",
      "",
      "The following tests FAILED:",
      "\t  3 - ring (Failed)",
      "\t  5 - process_transport (SEGFAULT)",
      "Errors while running CTest",
    ].join("\n");
    expect(count(output, 8)).toEqual({
      runner: "ctest",
      passed: 4,
      failed: 2,
      skipped: 0,
      failures: ["ring", "process_transport"],
    });
  });
});

describe("go test", () => {
  const verbose = (end: string): string =>
    [
      "=== RUN   TestEcho",
      "--- PASS: TestEcho (0.00s)",
      "=== RUN   TestSizes",
      "=== RUN   TestSizes/0",
      "=== RUN   TestSizes/1",
      "--- PASS: TestSizes (0.00s)",
      "    --- PASS: TestSizes/0 (0.00s)",
      "    --- PASS: TestSizes/1 (0.00s)",
      end,
    ].join("\n");

  test("-v counts the leaves", () => {
    expect(count(verbose("PASS\nok  \texample.com/a\t0.01s"))).toMatchObject({
      runner: "go test",
      passed: 3,
      failed: 0,
    });
  });

  test("-v tells failed and skipped ones apart, and names them with their package", () => {
    const output = verbose(
      "--- FAIL: TestBad (0.10s)\n    --- FAIL: TestBad/inner (0.10s)\n--- SKIP: TestLater (0.00s)\nFAIL\nFAIL\texample.com/a\t0.2s",
    );
    expect(count(output, 1)).toEqual({
      runner: "go test",
      passed: 3,
      failed: 1,
      skipped: 1,
      failures: ["example.com/a.TestBad/inner"],
    });
  });

  test("the same name in two packages is two tests", () => {
    const one = (pack: string) => `--- PASS: TestEcho (0.00s)\nPASS\nok  \t${pack}\t0.01s\n`;
    expect(count(one("example.com/a") + one("example.com/b")).passed).toBe(2);
  });

  test("a package that does not compile is a failure", () => {
    expect(count("FAIL\texample.com/b [build failed]\nFAIL\n", 1)).toMatchObject({
      failed: 1,
      failures: ["example.com/b"],
    });
  });

  test("-json", () => {
    const event = (fields: object) => JSON.stringify({ Time: "2026-01-01T00:00:00Z", ...fields });
    const output = [
      event({ Action: "run", Package: "example.com/a", Test: "TestEcho" }),
      event({ Action: "output", Package: "example.com/a", Test: "TestEcho", Output: "--- PASS: TestEcho (0.00s)\n" }),
      event({ Action: "pass", Package: "example.com/a", Test: "TestEcho", Elapsed: 0 }),
      event({ Action: "fail", Package: "example.com/a", Test: "TestBad", Elapsed: 0 }),
      event({ Action: "fail", Package: "example.com/a", Elapsed: 0.1 }),
      event({ Action: "skip", Package: "example.com/no-tests", Elapsed: 0 }),
    ].join("\n");
    expect(count(output, 1)).toEqual({
      runner: "go test",
      passed: 1,
      failed: 1,
      skipped: 0,
      failures: ["example.com/a.TestBad"],
    });
  });
});

describe("cargo test", () => {
  test("adds up the test binaries", () => {
    const output = [
      "running 2 tests",
      "test queue::full ... ok",
      "test queue::empty ... FAILED",
      "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
      "running 3 tests",
      "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s",
    ].join("\n");
    expect(count(output, 101)).toEqual({
      runner: "cargo test",
      passed: 4,
      failed: 1,
      skipped: 1,
      failures: ["queue::empty"],
    });
  });
});

describe("pytest", () => {
  test("a plain summary", () => {
    expect(count("============== 21 passed in 1.24s ==============\n")).toMatchObject({ runner: "pytest", passed: 21 });
  });

  test("-q, with failures and errors", () => {
    const output = [
      "FAILED tests/test_echo.py::test_nil[a - b] - AssertionError: assert None",
      "ERROR tests/test_dict.py::test_set",
      "1 failed, 20 passed, 2 skipped, 1 error in 61.24s (0:01:01)",
    ].join("\n");
    const counts = count(output, 1);
    expect(counts).toMatchObject({ passed: 20, failed: 2, skipped: 2 });
    expect(counts.failures).toContain("tests/test_dict.py::test_set");
  });

  test("coloured", () => {
    expect(count("\u001b[32m\u001b[1m3 passed\u001b[0m\u001b[32m in 0.12s\u001b[0m\n")).toMatchObject({
      runner: "pytest",
      passed: 3,
    });
  });

  test("no tests at all is a failure", () => {
    expect(count("===== no tests ran in 0.01s =====\n", 5)).toMatchObject({ passed: 0, failed: 1 });
  });
});

describe("surefire", () => {
  test("believes the totals, not the lines of each class", () => {
    const output = [
      "[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s -- in io.github.restyffi.EchoTest",
      "[ERROR] Tests run: 3, Failures: 1, Errors: 0, Skipped: 1, Time elapsed: 0.1 s <<< FAILURE! -- in io.github.restyffi.LogTest",
      "[ERROR] io.github.restyffi.LogTest.level(String)[2] -- Time elapsed: 0.01 s <<< FAILURE!",
      "[INFO] Results:",
      "[ERROR] Tests run: 7, Failures: 1, Errors: 0, Skipped: 1",
    ].join("\n");
    expect(count(output, 1)).toEqual({
      runner: "surefire",
      passed: 5,
      failed: 1,
      skipped: 1,
      failures: ["io.github.restyffi.LogTest.level(String)[2]"],
    });
  });
});

describe("vitest", () => {
  test("passed", () => {
    expect(count(" Test Files  1 passed (1)\n      Tests  9 passed (9)\n")).toMatchObject({
      runner: "vitest",
      passed: 9,
      failed: 0,
    });
  });

  test("failed and skipped", () => {
    const output = " FAIL  test/echo.test.ts > echo > nil\n\n      Tests  1 failed | 7 passed | 2 skipped (10)\n";
    expect(count(output, 1)).toEqual({
      runner: "vitest",
      passed: 7,
      failed: 1,
      skipped: 2,
      failures: ["test/echo.test.ts > echo > nil"],
    });
  });

  test("a file that cannot be loaded, beside others that pass", () => {
    expect(count(" Test Files  1 failed | 1 passed (2)\n      Tests  9 passed (9)\n", 1)).toMatchObject({
      passed: 9,
      failed: 1,
      failures: ["run-tests (exit code 1)"],
    });
  });
});

describe("node:test", () => {
  test("spec reporter", () => {
    const output =
      "✔ echo (1.2ms)\n✖ nil (0.5ms)\nℹ tests 2\nℹ pass 1\nℹ fail 1\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0\n";
    expect(count(output, 1)).toEqual({
      runner: "node:test",
      passed: 1,
      failed: 1,
      skipped: 0,
      failures: ["nil"],
    });
  });

  test("tap reporter", () => {
    expect(count("ok 1 - echo\nnot ok 2 - nil\n# tests 2\n# pass 1\n# fail 1\n", 1)).toMatchObject({
      passed: 1,
      failed: 1,
      failures: ["nil"],
    });
  });
});

describe("other commands", () => {
  test("the plain closing line", () => {
    expect(count("12 passed, 1 failed\n", 1)).toMatchObject({ runner: "plain", passed: 12, failed: 1 });
  });

  test("one without counts is one check, passed", () => {
    expect(count("All files are formatted.\n")).toMatchObject({ runner: "command", passed: 1, failed: 0 });
  });

  test("or failed", () => {
    expect(count("main.c:1: not formatted\n", 2, "clang-format --dry-run")).toMatchObject({
      passed: 0,
      failed: 1,
      failures: ["clang-format --dry-run (exit code 2)"],
    });
  });

  test.each([
    "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
    "No tests were found!!!",
    "[INFO] No tests to run.",
    "?   \texample.com/a\t[no test files]",
    '{"Action":"skip","Package":"example.com/a","Elapsed":0}',
    "      Tests  no tests",
  ])("a runner that ran nothing has failed, even with exit code 0: %s", (output) => {
    expect(count(`${output}\n`)).toMatchObject({
      passed: 0,
      failed: 1,
      failures: ["run-tests (it ran no test)"],
    });
  });

  test("a runner that closed well and then crashed has failed", () => {
    expect(count("      Tests  9 passed (9)\n", 139)).toMatchObject({ passed: 9, failed: 1 });
  });
});

test("output that comes in pieces, from two streams at once, is counted as if whole", () => {
  const counter = new Counter();
  for (const piece of ["      Tes", "ts  3 pas"]) counter.feed(piece, 0);
  counter.feed("a warning without an end of line", 1);
  counter.feed("sed (3)", 0);
  expect(counter.finish("vitest run", 0)).toMatchObject({ runner: "vitest", passed: 3 });
});

test("of two runners in one output the last that closed is believed", () => {
  expect(count("1 failed in 0.1s\n100% tests passed, 0 tests failed out of 2\n")).toMatchObject({
    runner: "ctest",
    passed: 2,
    failed: 0,
  });
});
