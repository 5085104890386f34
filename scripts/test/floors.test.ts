import { describe, expect, test } from "vitest";
import { circle, reduced } from "../floors/graph.ts";
import { picture } from "../floors/picture.ts";
import { faults } from "../floors/rules.ts";
import { parse } from "../floors/sources.ts";

const header = (path: string, text = "") => parse(path, `${text}\n`);

/** A file with its header: what it includes, and its code. */
function file(path: string, includes: string[], code: string) {
  const own = path.replace(/c$/, "h");
  const declared = [...code.matchAll(/^(?!static)[\w *]+\([^{]*?(?=\n\{)/gm)].map(([text]) => `${text};`);
  return [header(own, declared.join("\n")), parse(path, `${includes.map((i) => `#include "${i}"\n`).join("")}${code}`)];
}

describe("a source", () => {
  const source = parse(
    "loop/call.c",
    `#include "call.h"
#include <stdio.h>
#include "../queue/queue.h"
/* rf_in_a_comment */
static const char *text = "rf_in_a_string";
const struct rf_call_kind rf_call_plain = {.done = tell};
static void tell(struct rf_call *c,
                 int status)
{
    rf_used(c); // rf_in_another
}
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
}
API resty_ffi_call *resty_ffi_call_new(resty_ffi_loop *l)
{
    static int count = 0;
}
`,
  );

  test("says what it includes, defines and keeps to itself", () => {
    expect(source.includes).toEqual(["loop/call.h", "queue/queue.h"]);
    expect(source.defines).toEqual(["resty_ffi_call_new", "rf_call_plain"]);
    expect(source.statics).toEqual(["tell", "say"]);
  });

  test("has the words of its code only", () => {
    expect([...source.words].filter((word) => word.startsWith("rf_"))).toEqual([
      "rf_call_kind",
      "rf_call_plain",
      "rf_call",
      "rf_used",
    ]);
  });
});

describe("what is wrong is said", () => {
  const below = file("channel/pool.c", ["pool.h"], "void rf_pool_take(void)\n{\n}\n");

  test("nothing, where all is right", () => {
    const above = file(
      "loop/call.c",
      ["call.h", "../channel/pool.h"],
      "void rf_call_new(void)\n{\n    rf_pool_take();\n}\n",
    );
    expect(faults([...below, ...above])).toEqual([]);
  });

  test("an include of a floor above", () => {
    const climbing = file("channel/block.c", ["../loop/call.h"], "");
    expect(faults([...climbing, ...file("loop/call.c", [], "")])).toEqual([
      "channel/block.c includes loop/call.h, which is not below it",
    ]);
  });

  test("a call of a floor above, whoever declares it", () => {
    const climbing = file("channel/block.c", [], "void rf_block_take(void)\n{\n    rf_call_new();\n}\n");
    const above = file("loop/call.c", [], "void rf_call_new(void)\n{\n}\n");
    expect(faults([...climbing, ...above])).toEqual(["channel/block.c calls loop/call.c, which is not below it"]);
  });

  test("a folder of the same floor", () => {
    const beside = file("objects/relro.c", ["../queue/queue.h"], "");
    expect(faults([...beside, ...file("queue/queue.c", [], "")])).toHaveLength(1);
  });

  test("files that call each other, also by way of a third or of a callback", () => {
    const call = (from: string, to: string) =>
      file(`loop/${from}.c`, [], `void rf_${from}(void)\n{\n    run(rf_${to});\n}\n`);
    expect(faults([...call("a", "b"), ...call("b", "c"), ...call("c", "a")])).toEqual([
      "a circle: loop/a.c → loop/b.c → loop/c.c → loop/a.c",
    ]);
  });

  test("headers that include each other", () => {
    const sources = [
      header("loop/a.h", '#include "b.h"'),
      header("loop/b.h", '#include "a.h"'),
      ...["loop/a.c", "loop/b.c"].map((path) => parse(path, "")),
    ];
    expect(faults(sources)).toEqual(["a circle: loop/a.h → loop/b.h → loop/a.h"]);
  });

  test("names that do not say their file, and declarations elsewhere", () => {
    const sources = file("loop/call.c", [], "void rf_answer(void)\n{\n}\n");
    expect(faults(sources)).toEqual(["loop/call.c: rf_answer does not begin with rf_call"]);
    const [, alone] = file("loop/call.c", [], "void rf_call_new(void)\n{\n}\n");
    expect(faults(alone ? [alone] : [])).toEqual(["loop/call.c: rf_call_new is not in its header"]);
    expect(faults(file("host/pull/dict.c", [], "void rf_dict_new(void)\n{\n}\n"))).toEqual([
      "host/pull/dict.c: rf_dict_new does not begin with rf_pull_dict",
    ]);
  });

  test("a header without its file", () => {
    expect(faults([header("loop/lonely.h")])).toEqual(["loop/lonely.h is the header of no file"]);
  });

  test("two static functions of one name", () => {
    const fail = "static void fail(void)\n{\n}\n";
    expect(faults([...file("loop/a.c", [], fail), ...file("queue/b.c", [], fail)])).toEqual([
      "static fail is in several files: loop/a.c, queue/b.c",
    ]);
  });
});

test("a circle is found from wherever it is reached", () => {
  const graph = new Map([
    ["a", new Set(["b"])],
    ["b", new Set(["c", "d"])],
    ["c", new Set<string>()],
    ["d", new Set(["b"])],
  ]);
  expect(circle(graph)).toEqual(["b", "d", "b"]);
});

test("a picture leaves out what follows from the rest", () => {
  const graph = new Map([
    ["a", new Set(["b", "c"])],
    ["b", new Set(["c"])],
  ]);
  expect([...reduced(graph)]).toEqual([
    ["a", new Set(["b"])],
    ["b", new Set(["c"])],
  ]);
  const call = (from: string, to: string) => parse(`loop/${from}.c`, `void rf_${from}(void)\n{\n    rf_${to}();\n}\n`);
  expect(picture([call("a", "b"), call("b", "none")], "loop")).toBe("```mermaid\nflowchart TB\n  a --> b\n```");
  expect(() => picture([], "cellar")).toThrow("cellar");
});
