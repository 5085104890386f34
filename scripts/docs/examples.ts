import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../environment.ts";

interface Example {
  language: string;
  /** Relative to the root. */
  file: string;
  fence: string;
  /** Regions to quote before the region of another name. */
  before?: Record<string, string>;
}

/** The same runtime in each language; the documentation quotes regions of it. */
const EXAMPLES: Example[] = [
  { language: "Go", file: "runtimes/go/examples/powers/main.go", fence: "go", before: { stream: "ticks" } },
  { language: "Rust", file: "runtimes/rust/examples/powers/src/lib.rs", fence: "rust" },
  { language: "Python", file: "runtimes/python/examples/powers/powers.py", fence: "python" },
  { language: "Java", file: "runtimes/java/examples/powers/Powers.java", fence: "java" },
  { language: "Node.js", file: "packages/node/examples/powers/powers.ts", fence: "ts" },
];

const MARK = /^\s*(?:\/\/|#) \[(\/?)(\w+)\]\s*$/;

/** The lines between the comments `[name]` and `[/name]` of a source, without their common indent. */
export function region(source: string, name: string): string {
  const lines: string[] = [];
  let inside = false;
  let ended = false;
  for (const line of source.split("\n")) {
    const [, slash, marked] = MARK.exec(line) ?? [];
    if (marked === name) {
      if ((slash === "/") !== inside || ended) throw new Error(`the region [${name}] begins and ends more than once`);
      inside = slash === "";
      ended = !inside;
    } else if (inside && marked === undefined) lines.push(line.trimEnd());
  }
  if (!ended) throw new Error(`it has no region between [${name}] and [/${name}]`);
  while (lines[0] === "") lines.shift();
  while (lines.at(-1) === "") lines.pop();
  const indents = lines.filter(Boolean).map((line) => /^\s*/.exec(line)?.[0].length ?? 0);
  const indent = Math.min(...indents);
  return lines.map((line) => line.slice(indent)).join("\n");
}

/** One region of each language's example, as markdown for a page in docs/. */
export function quote(name: string): string {
  const parts = EXAMPLES.map(({ language, file, fence, before }) => {
    const source = readFileSync(join(ROOT, file), "utf8");
    const names = [before?.[name], name].filter((found) => found !== undefined);
    try {
      const code = names.map((found) => region(source, found)).join("\n\n");
      return `**${language}** · [${file}](../${file})\n\n\`\`\`${fence}\n${code}\n\`\`\``;
    } catch (error) {
      throw new Error(`${file}: ${(error as Error).message}`);
    }
  });
  return parts.join("\n\n");
}
