/** The totals that a test runner prints at its end. */
export interface Counts {
  /** The runner whose closing lines were recognised, or `command` if there were no such lines. */
  runner: string;
  passed: number;
  failed: number;
  skipped: number;
  /** The names of failed tests as the runner prints them. There may be fewer names than failures. */
  failures: string[];
}

/** Reads the output of one runner line by line. `line` returns whether it was a closing line. */
interface Recogniser {
  readonly runner: string;
  line(text: string): boolean;
  counts(): Omit<Counts, "runner">;
}

type Totals = Pick<Counts, "passed" | "failed" | "skipped">;

/** For runners that close with a line of totals; several runs in one output are added up. */
function closing(
  runner: string,
  totals: (text: string) => Partial<Totals> | undefined,
  failure: (text: string) => string | undefined,
): Recogniser {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  const failures = new Set<string>();
  return {
    runner,
    line(text) {
      const name = failure(text);
      if (name !== undefined) failures.add(name);
      const t = totals(text);
      if (!t) return false;
      sum.passed += t.passed ?? 0;
      sum.failed += t.failed ?? 0;
      sum.skipped += t.skipped ?? 0;
      return true;
    },
    counts: () => ({ ...sum, failures: [...failures] }),
  };
}

/** The number before `word` in a line such as `3 passed, 1 failed`. */
function before(text: string, word: string): number {
  return Number(new RegExp(`(\\d+) ${word}\\b`).exec(text)?.[1] ?? 0);
}

function ctest(): Recogniser {
  return closing(
    "ctest",
    (text) => {
      const m = /^\d+% tests passed, (\d+) tests? failed out of (\d+)/.exec(text);
      if (m) return { passed: Number(m[2]) - Number(m[1]), failed: Number(m[1]) };
      return text === "No tests were found!!!" ? {} : undefined;
    },
    (text) => /^\s+\d+ - (\S+) \((?:Failed|Timeout|Not Run|SEGFAULT|Subprocess aborted|\S.*)\)$/.exec(text)?.[1],
  );
}

function cargo(): Recogniser {
  return closing(
    "cargo test",
    (text) => {
      if (!/^test result: \w+\./.test(text)) return undefined;
      return { passed: before(text, "passed"), failed: before(text, "failed"), skipped: before(text, "ignored") };
    },
    (text) => /^test (.+?) \.\.\. FAILED$/.exec(text)?.[1],
  );
}

function pytest(): Recogniser {
  return closing(
    "pytest",
    (text) => {
      if (!/^(=+ )?(no tests ran|\d+ \w+(, \d+ \w+)*) in [\d.]+s/.test(text)) return undefined;
      return {
        passed: before(text, "passed") + before(text, "xfailed"),
        failed: before(text, "failed") + before(text, "errors?") + before(text, "xpassed"),
        skipped: before(text, "skipped"),
      };
    },
    (text) => /^(?:FAILED|ERROR) (\S+::.*?|\S+\.py)(?: - .*)?$/.exec(text)?.[1],
  );
}

function surefire(): Recogniser {
  return closing(
    "surefire",
    (text) => {
      if (/^(?:\[INFO\] )?No tests to run\.$/.test(text)) return {};
      // A line of one class goes on with its time; the totals do not.
      const m = /^(?:\[\w+\] )?Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)\s*$/.exec(text);
      if (!m) return undefined;
      const [run = 0, failures = 0, errors = 0, skipped = 0] = m.slice(1).map(Number);
      return { passed: run - failures - errors - skipped, failed: failures + errors, skipped };
    },
    (text) => /^\[ERROR\]\s+(\S.*?)(?: -- | {2})Time elapsed: .* <<< (?:FAILURE|ERROR)!/.exec(text)?.[1],
  );
}

function vitest(): Recogniser {
  return closing(
    "vitest",
    (text) => {
      if (!/^\s+Tests {2}(\d+ \w+( \| \d+ \w+)* \(\d+\)|no tests)/.test(text)) return undefined;
      return {
        passed: before(text, "passed") + before(text, "expected fail"),
        failed: before(text, "failed"),
        skipped: before(text, "skipped") + before(text, "todo"),
      };
    },
    (text) => /^\s*FAIL {2}(\S.*)$/.exec(text)?.[1],
  );
}

function nodeTest(): Recogniser {
  return closing(
    "node:test",
    (text) => {
      const m = /^(?:ℹ|#) (pass|fail|cancelled|skipped|todo) (\d+)$/.exec(text);
      if (!m) return undefined;
      const n = Number(m[2]);
      if (m[1] === "pass") return { passed: n };
      return m[1] === "fail" || m[1] === "cancelled" ? { failed: n } : { skipped: n };
    },
    (text) =>
      /^\s*(?:✖ (?!failing tests:)(.+?)(?: \([\d.]+m?s\))?|not ok \d+ - (.+))$/.exec(text)?.slice(1).find(Boolean),
  );
}

/** The closing line for scripts of this repository. */
function plain(): Recogniser {
  return closing(
    "plain",
    (text) => {
      const m = /^(?:\w+: )?(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$/.exec(text);
      return m ? { passed: Number(m[1]), failed: Number(m[2]), skipped: Number(m[3] ?? 0) } : undefined;
    },
    (text) => /^(?:FAIL|FAILED|not ok)[: ]\s*(\S.*)$/.exec(text)?.[1],
  );
}

/** `go test` with -json or -v. It prints no totals, so its tests are counted one by one. */
function go(): Recogniser {
  const ended = new Map<string, "pass" | "fail" | "skip">();
  const broken = new Set<string>();
  const end = (name: string, action: string): true => {
    ended.set(name, action.toLowerCase() as "pass" | "fail" | "skip");
    return true;
  };
  let pending: string[] = [];
  return {
    runner: "go test",
    line(text) {
      if (text.startsWith('{"')) {
        const event = parse(text);
        if (event?.Package === undefined || !/^(pass|fail|skip)$/.test(event.Action ?? "")) return false;
        if (event.Test !== undefined) return end(`${event.Package}.${event.Test}`, event.Action ?? "");
        if (event.Action === "fail") broken.add(event.Package);
        return true;
      }
      if (/^\?\s+\S+\s+\[no test files\]$/.test(text)) return true;
      const test = /^\s*--- (PASS|FAIL|SKIP): (\S+) \([\d.]+s\)$/.exec(text);
      if (test) {
        pending.push(`${test[2]} ${test[1]}`);
        return true;
      }
      const pack = /^(ok {2}|FAIL)\t(\S+)(?:\s|$)/.exec(text);
      if (!pack) return false;
      for (const item of pending) {
        const [name, action] = item.split(" ");
        end(`${pack[2]}.${name}`, action ?? "");
      }
      pending = [];
      if (pack[1] === "FAIL") broken.add(pack[2] ?? "");
      return true;
    },
    counts() {
      for (const item of pending) {
        const [name, action] = item.split(" ");
        end(name ?? "", action ?? "");
      }
      pending = [];
      return leaves(ended, broken);
    },
  };
}

function parse(text: string): { Action?: string; Package?: string; Test?: string } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Subtests count, their parents do not, unless a parent or a package failed by itself. */
function leaves(ended: Map<string, "pass" | "fail" | "skip">, broken: Set<string>): Omit<Counts, "runner"> {
  const names = [...ended.keys()];
  const failed = names.filter((name) => ended.get(name) === "fail");
  const failures = failed.filter((name) => !failed.some((other) => other.startsWith(`${name}/`)));
  for (const pack of broken) {
    if (!failed.some((name) => name.startsWith(`${pack}.`))) failures.push(pack);
  }
  const parents = new Set(names.flatMap(ancestors));
  const leaf = names.filter((name) => !parents.has(name));
  return {
    passed: leaf.filter((name) => ended.get(name) === "pass").length,
    skipped: leaf.filter((name) => ended.get(name) === "skip").length,
    failed: failures.length,
    failures,
  };
}

function ancestors(name: string): string[] {
  const found: string[] = [];
  for (let at = name.lastIndexOf("/"); at > 0; at = name.lastIndexOf("/", at - 1)) found.push(name.slice(0, at));
  return found;
}

const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*[A-Za-z]`, "g");

/**
 * Counts the checks in the output of any of the runners above. Feed it the output, then ask once.
 * If several runners printed closing lines, the last runner counts: a test may print the output of another runner.
 */
export class Counter {
  readonly #recognisers = [ctest(), go(), cargo(), pytest(), surefire(), vitest(), nodeTest(), plain()];
  #last: Recogniser | undefined;
  readonly #rest = ["", ""];

  /** Takes the next piece of output, cut anywhere. Both streams have lines of their own: 0 = stdout, 1 = stderr. */
  feed(chunk: string, stream: 0 | 1 = 0): void {
    const lines = (this.#rest[stream] + chunk).split("\n");
    this.#rest[stream] = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(raw: string): void {
    const text = raw.replace(COLOURS, "").replace(/\r$/, "");
    for (const recogniser of this.#recognisers) {
      if (recogniser.line(text)) this.#last = recogniser;
    }
  }

  /**
   * The counts, given how the command ended. `command` names it where it counts as one check.
   * A command that failed has at least one failure. A runner that ran no test has failed.
   */
  finish(command: string, exitCode: number): Counts {
    for (const line of this.#rest.splice(0, 2, "", "")) this.#line(line);
    if (!this.#last) {
      return exitCode === 0
        ? { runner: "command", passed: 1, failed: 0, skipped: 0, failures: [] }
        : { runner: "command", passed: 0, failed: 1, skipped: 0, failures: [`${command} (exit code ${exitCode})`] };
    }
    const counts: Counts = { runner: this.#last.runner, ...this.#last.counts() };
    if (counts.failed === 0 && exitCode !== 0) {
      counts.failed = 1;
      counts.failures = [`${command} (exit code ${exitCode})`];
    } else if (counts.passed + counts.failed === 0) {
      counts.failed = 1;
      counts.failures = [`${command} (it ran no test)`];
    }
    return counts;
  }
}
