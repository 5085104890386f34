/**
 * A file's prose in its place: everything else is covered, character by character, so that offsets and lines stay. Prose
 * is the text of a page, or the comments and string literals of a source.
 */
export function prose(file: string, text: string): string | undefined {
  const extension = /\.(\w+)$/.exec(file)?.[1] ?? "";
  if (extension === "md") return page(text);
  const tokens = TOKENS[extension];
  return tokens && source(text, tokens);
}

const DOUBLE = String.raw`"(?:\\[^]|[^"\\\n])*"`;
const SINGLE = String.raw`'(?:\\[^]|[^'\\\n])*'`;
const CHARACTER = String.raw`'(?:\\[^'\n]+|[^'\\\n])'`;
const TEMPLATE = String.raw`${"`"}(?:\\[^]|[^${"`"}\\])*${"`"}`;
const SLASHES = String.raw`\/\*[^]*?\*\/|\/\/[^\n]*`;
const HASH = String.raw`(?<=^|\s)#[^\n]*`;

const TOKENS: Record<string, RegExp> = {
  c: tokens(SLASHES, DOUBLE, CHARACTER),
  h: tokens(SLASHES, DOUBLE, CHARACTER),
  go: tokens(SLASHES, DOUBLE, CHARACTER, "`[^`]*`"),
  java: tokens(SLASHES, '"""[^]*?"""', DOUBLE, CHARACTER),
  lua: tokens(String.raw`--\[\[[^]*?\]\]|--[^\n]*`, DOUBLE, SINGLE, String.raw`\[\[[^]*?\]\]`),
  mjs: tokens(SLASHES, DOUBLE, SINGLE, TEMPLATE),
  py: tokens(HASH, `"""[^]*?"""|'''[^]*?'''`, DOUBLE, SINGLE),
  rs: tokens(SLASHES, String.raw`"(?:\\[^]|[^"\\])*"`, CHARACTER),
  sh: tokens(HASH, DOUBLE, SINGLE),
  ts: tokens(SLASHES, DOUBLE, SINGLE, TEMPLATE),
};

function tokens(...alternatives: string[]): RegExp {
  return new RegExp(alternatives.join("|"), "gm");
}

/** What begins a line of a comment, or a string. */
const LEADER = /^[^\S\n]*(?:\/\*+|\/\/[/!]?|\*+\/?|--+(?:\[\[)?|#+|["'`]+)/gm;

function source(text: string, found: RegExp): string {
  let covered = "";
  let end = 0;
  for (const { 0: token, index } of text.matchAll(found)) {
    covered += cover(text.slice(end, index)) + token.replace(LEADER, blank);
    end = index + token.length;
  }
  return covered + cover(text.slice(end));
}

const FENCE = /^[^\S\n]*(```|~~~)[\s\S]*?^[^\S\n]*\1[^\S\n]*$/gm;
const NOT_PROSE = [FENCE, /<!--[\s\S]*?-->/g, /(`+)[^`][\s\S]*?\1/g, /(?<=\])\([^)\s]*\)/g];

function page(text: string): string {
  return NOT_PROSE.reduce((left, pattern) => left.replace(pattern, cover), text);
}

/** Covered text is a word of its own: the prose on both sides of it is not one phrase. */
function cover(text: string): string {
  return text.replace(/\S/g, "_");
}

function blank(text: string): string {
  return text.replace(/\S/g, " ");
}
