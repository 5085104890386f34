import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { region } from "../docs/examples.ts";
import { fill } from "../docs/markers.ts";
import { type Cell, notRun, table } from "../docs/matrix.ts";
import { current, pages } from "../docs/pages.ts";
import { ROOT } from "../environment.ts";

describe("a region of a source", () => {
  test("is what stands between its comments, without the common indent", () => {
    const source = "a\n\t// [one]\n\n\tb {\n\t\tc\n\n\t}\n\n\t// [/one]\nd\n# [two]\ne\n# [/two]\n";
    expect(region(source, "one")).toBe("b {\n\tc\n\n}");
    expect(region(source, "two")).toBe("e");
  });

  test("shows no comment of a region that is inside it", () => {
    expect(region("// [a]\nx\n// [b]\ny\n// [/b]\n// [/a]", "a")).toBe("x\ny");
  });

  test.each(["", "// [a]\nx", "x\n// [/a]", "// [a]\n// [/a]\n// [a]\n// [/a]", "// [a]\n// [a]\n// [/a]"])(
    "must begin and end once: %j",
    (source) => {
      expect(() => region(source, "a")).toThrow("[a]");
    },
  );
});

describe("a page", () => {
  test("has what is between its markers replaced, and nothing else", () => {
    const page = "a\n<!-- x: one -->\nold\n<!-- /x -->\nb\n<!-- x: two -->\n<!-- /x -->\n<!-- y -->\n";
    const filled = fill(page, "x", (name) => `$& ${name}`);
    expect(filled).toBe(
      "a\n<!-- x: one -->\n\n$& one\n\n<!-- /x -->\nb\n<!-- x: two -->\n\n$& two\n\n<!-- /x -->\n<!-- y -->\n",
    );
    expect(fill(filled, "x", (name) => `$& ${name}`)).toBe(filled);
  });

  test.each(["<!-- x: a -->\n", "<!-- /x -->", "<!-- x: a -->\n<!-- x: b -->\n<!-- /x -->"])(
    "with half a pair of markers is refused: %j",
    (page) => {
      expect(() => fill(page, "x", String)).toThrow("<!-- x -->");
    },
  );
});

describe("the documentation", () => {
  test.each(pages().map((file) => [basename(file), file]))("%s quotes the examples as they are", (_, file) => {
    const page = readFileSync(file, "utf8");
    expect(current(page), "not current: run npm run docs").toBe(page);
  });

  test.each([...pages(), join(ROOT, "README.md")].map((file) => [basename(file), file]))(
    "%s links only to what there is",
    (_, file) => {
      const links = [...readFileSync(file, "utf8").matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
      const missing = links
        .filter((link) => !/^(https?:|#)/.test(link))
        .filter((link) => !existsSync(join(dirname(file), link.replace(/#.*/, ""))));
      expect(missing).toEqual([]);
    },
  );

  test("is linked from README, page by page", () => {
    const readme = readFileSync(join(ROOT, "README.md"), "utf8");
    expect(pages().filter((file) => !readme.includes(`(docs/${basename(file)})`))).toEqual([]);
  });
});

describe("the matrix", () => {
  const all: Cell[] = ["go", "rust", "python", "java", "node"].flatMap((language) =>
    ["nginx", "node"].flatMap((host) =>
      ["thread", "process"].map((transport) => ({ language, host, transport, passed: 40, failed: 0 })),
    ),
  );

  test("has a row for each language", () => {
    const lines = table(all).split("\n");
    expect(lines[0]).toContain("nginx, thread | nginx, process");
    expect(lines.slice(2, 7)).toEqual(
      ["Go", "Rust", "Python", "Java", "Node.js"].map((title) => `| ${title} | 40 | 40 | 40 | 40 |`),
    );
  });

  test("says what failed, and why there is no such cell", () => {
    const text = table(
      all.map((cell) => {
        if (cell.language === "node" && cell.transport === "thread") return { ...cell, impossible: "It is a program" };
        return cell.language === "go" && cell.host === "node" ? { ...cell, passed: 39, failed: 1 } : cell;
      }),
    );
    expect(text).toContain("| Go | 40 | 40 | 39, 1 failed | 39, 1 failed |");
    expect(text).toContain("| Node.js | –\\* | 40 | –\\* | 40 |");
    expect(text.split("\n").at(-1)).toMatch(/^\\\* It is a program\. /);
  });

  test("is that of a whole run: the languages that have not been run are told", () => {
    expect(notRun(all)).toEqual([]);
    expect(notRun(all.filter(({ language, host }) => language !== "java" || host !== "node"))).toEqual(["Java"]);
    expect(notRun([])).toHaveLength(5);
  });
});
