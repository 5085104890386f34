import { describe, expect, test } from "vitest";
import { check } from "../prose/check.ts";
import { prose } from "../prose/extract.ts";
import { PATTERNS } from "../prose/patterns.ts";
import { inScope } from "../prose/scope.ts";

const phrases = (file: string, text: string) => check(prose(file, text) ?? "").map(({ phrase }) => phrase);

describe("a phrase", () => {
  const bad = [
    "The default is none.",
    "An option that is no string fails.",
    "It is replaced by another one.",
    "As with any other one, it waits.",
    "The message tells of the reason.",
    "Runs so many processes.",
    "The caller had better stop.",
    "It makes a topic that there is not.",
    "It ends of its own accord.",
    "What is more is left out.",
    "Who does not receive waits.",
    "It returns nil, and else nothing.",
    "All is the same but for how it is loaded.",
    "That belongs into the handler.",
    "It needs no certain library.",
    "A path is used as it stands.",
    "The call is made anew.",
    "The queue, and the memory thereof.",
  ];

  test("that is ruled out has an example here, and is found in it", () => {
    const counts = PATTERNS.map((_, k) => check(bad[k] ?? "").map(({ instead }) => instead));
    expect(counts).toEqual(PATTERNS.map(({ instead }) => [instead]));
    expect(bad).toHaveLength(PATTERNS.length);
  });

  test.each([
    "There is no timeout.",
    "The runtime is no longer loaded.",
    "The user who runs nginx owns it.",
    "Who may call it?",
    "Another runtime is loaded.",
    "It is one of its own.",
  ])("that is not ruled out passes: %s", (text) => {
    expect(check(text)).toEqual([]);
  });

  test("may be broken by a line, with its line number, and not by a paragraph", () => {
    expect(check("a\nthe default is\n  none.")).toMatchObject([{ line: 2, phrase: "is none" }]);
    expect(check("the default is\n\nnone.")).toEqual([]);
  });
});

describe("prose", () => {
  test("of a page is its text without code, links' targets and HTML comments", () => {
    expect(phrases("a.md", "It is none.\n\n| a | is\nnone |")).toEqual(["is none", "is none"]);
    expect(phrases("a.md", "```lua\n-- is none\n```\n`is none` <!-- is none --> [x](#is-none)\n")).toEqual([]);
    expect(phrases("a.md", "It is `x` none.")).toEqual([]);
  });

  test.each([
    ["a.ts", "/** It is\n * none. */\nconst is = none; // is none"],
    ["a.c", "/* It is\n   none. */\nis none; char c = '\"'; // is none"],
    ["a.go", "// It is\n// none.\nis none // is none"],
    ["a.rs", "/// It is\n/// none.\nfn is<'a>(none: &'a str) {} // is none"],
    ["a.java", "/** It is\n * none. */\nis none; // is none"],
    ["a.py", '"""It is\n    none."""\nx is none  # is none'],
    ["a.lua", "-- It is\n-- none.\nis none -- is none"],
    ["a.sh", "# It is\n# none.\nis none # is none"],
  ])("of %s is its comments", (file, text) => {
    expect(phrases(file, text)).toEqual(["is none", "is none"]);
  });

  test.each([
    ["a.ts", "fail(`the default is none`)"],
    ["a.c", 'fail("the \\"default\\" is none")'],
    ["a.py", "raise Error('the default is none')"],
    ["a.lua", "error([[the default is none]])"],
  ])("of %s is its messages", (file, text) => {
    expect(phrases(file, text)).toEqual(["is none"]);
  });

  test("is in pages and sources only", () => {
    expect(prose("a.png", "is none")).toBeUndefined();
  });
});

test("pages are checked unless they are excepted, sources if they are named", () => {
  const scope = { pagesExcept: ["a/", "b/c.md"], sources: ["d/", "e.ts"] };
  const checked = ["a/x.md", "b/c.md", "b/d.md", "d/x.ts", "e.ts", "f.ts"].filter((file) => inScope(file, scope));
  expect(checked).toEqual(["b/d.md", "d/x.ts", "e.ts"]);
});
