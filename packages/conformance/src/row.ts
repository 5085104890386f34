import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answers } from "./cases/answers.js";
import { deadlines } from "./cases/deadlines.js";
import { endings } from "./cases/endings.js";
import { crashes, life } from "./cases/life.js";
import { payloads } from "./cases/payloads.js";
import { children, powers } from "./cases/powers.js";
import { programs } from "./cases/programs.js";
import { streams } from "./cases/streams.js";
import { Cell, type HostKind, type Transport } from "./cell.js";
import { type Language, runtimeOf } from "./places.js";

/** All cases of one language on one host, over each transport. */
export function row(language: Language, host: HostKind): void {
  for (const transport of ["thread", "process"] as const) {
    describe(cellName(language, host, transport), () => {
      if (language === "node" && transport === "thread") nodeOnThread(host);
      else cases(language, host, transport);
    });
  }
}

/** The matrix parses this name. */
export function cellName(language: string, host: HostKind, transport: Transport): string {
  return `${language} | ${host} | ${transport}`;
}

function cases(language: Language, host: HostKind, transport: Transport): void {
  let open: Cell | undefined;
  const cell = () => {
    if (!open) throw new Error("The cell is not open.");
    return open;
  };
  beforeAll(async () => {
    open = await Cell.open(language, host, transport);
  });
  afterAll(async () => {
    await open?.host.close();
  });

  describe("answers", () => answers(cell));
  describe("payloads", () => payloads(cell));
  describe("deadlines", () => deadlines(cell));
  describe("streams", () => streams(cell));
  describe("powers", () => powers(cell));
  describe("life", () => life(cell));
  describe("endings", () => endings(cell));
  describe("programs", () => programs(cell));
  if (transport === "thread") return;
  // crash and exit end their process, which on thread is the host itself.
  describe("crashes", () => crashes(cell));
  describe("children", () => children(cell));
}

/** The cell that cannot exist: the binaries of Node.js are not libraries, so a process always serves it. */
function nodeOnThread(host: HostKind): void {
  test("Node.js is always a process", async () => {
    const { lib, cfg } = runtimeOf("node");
    const cell = await Cell.open("node", host, "thread");
    try {
      const rt = await cell.host.load(lib, cfg, { isolate: false });
      expect((await rt.stats()).transport).toBe("process");
    } finally {
      await cell.host.close();
    }
  });
}
