import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** A file of native/, by what the checks ask of it. Paths are relative to native/. */
export interface Source {
  path: string;
  /** Its own headers, as their paths. */
  includes: string[];
  /** Functions and variables that other files can see, defined here. */
  defines: string[];
  /** Functions that only this file sees. */
  statics: string[];
  /** Every word of its code: comments and strings are left out. */
  words: Set<string>;
}

const FUNCTION =
  /^(?<before>(?:[A-Za-z_][^\n;{}()=]*?|__attribute__\(\(.*\)\) [^\n;{}()=]*?)[\s*])(?<name>\w+)\((?:[^;{}]*)\)\n\{/gm;
const VARIABLE =
  /^(?!static|extern|typedef|return)(?:const )?(?:struct )?\w+[\s*]+(?<name>\w+)(?:\[[^\]]*\])* = [^;]*;/gm;

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, " ");
}

/** What a C file says, in the style that clang-format keeps it in. */
export function parse(path: string, text: string): Source {
  const code = withoutComments(text);
  const includes = [...code.matchAll(/^#include "([^"]+)"/gm)]
    .map(([, name = ""]) => name)
    .filter((name) => name !== "resty_ffi.h")
    .map((name) => normalize(join(dirname(path), name)));
  const bare = code.replaceAll(/"(?:[^"\\\n]|\\.)*"/g, '""');
  const functions = [...bare.matchAll(FUNCTION)].map(({ groups }) => groups ?? {});
  const isStatic = ({ before = "" }: Record<string, string | undefined>) => /\bstatic\b/.test(before);
  const names = (list: typeof functions) => list.map(({ name = "" }) => name);
  const isFile = path.endsWith(".c");
  return {
    path,
    includes,
    defines: isFile
      ? [
          ...names(functions.filter((f) => !isStatic(f))),
          ...[...bare.matchAll(VARIABLE)].map(({ groups }) => groups?.name ?? ""),
        ]
      : [],
    statics: isFile ? names(functions.filter(isStatic)) : [],
    words: new Set(bare.match(/\b[A-Za-z_]\w*\b/g)),
  };
}

/** All that lies in these folders of native/. */
export function read(native: string, folders: string[]): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(native, folder))
      .filter((name) => /\.[ch]$/.test(name))
      .sort()
      .map((name) => parse(join(folder, name), readFileSync(join(native, folder, name), "utf8"))),
  );
}
