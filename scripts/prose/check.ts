import { PATTERNS } from "./patterns.ts";

export interface Finding {
  line: number;
  phrase: string;
  instead: string;
}

/** At most one line break, so that a phrase does not reach from one paragraph into the next. */
const GAP = "(?:[^\\S\\n]+|[^\\S\\n]*\\n[^\\S\\n]*)";

const COMPILED = PATTERNS.map(({ phrase, instead }) => ({
  pattern: new RegExp(phrase.replaceAll(" ", GAP), "gm"),
  instead,
}));

/** The phrases in a text that the style list rules out, in the order of their lines. */
export function check(text: string): Finding[] {
  const findings = COMPILED.flatMap(({ pattern, instead }) =>
    [...text.matchAll(pattern)].map(({ 0: match, index }) => {
      const start = index + match.search(/\S/);
      return { line: text.slice(0, start).split("\n").length, phrase: match.trim().replace(/\s+/g, " "), instead };
    }),
  );
  return findings.sort((a, b) => a.line - b.line);
}
