import { basename, dirname } from "node:path";
import { circle, type Graph } from "./graph.ts";
import type { Source } from "./sources.ts";

/** The folders of native/, from the bottom: what stands in one knows its own folder and those of floors below. */
export const FLOORS = [
  ["channel"],
  ["objects", "queue"],
  ["loop"],
  ["transport/process", "transport/thread"],
  ["runner", "transport"],
  ["host/nginx", "host/pull"],
];

export const FOLDERS = FLOORS.flat();

/** Headers that are not one file's: interfaces of several, agreements, types. */
const SHARED = [
  "channel/export.h",
  "host/nginx/nginx.h",
  "host/nginx/nginx_abi.h",
  "host/pull/pull.h",
  "loop/host.h",
  "loop/transport.h",
  "transport/process/child.h",
];

const floorOf = (path: string) => FLOORS.findIndex((floor) => floor.includes(dirname(path)));

/** Whether code in `from` may know what is in `to`. */
function mayKnow(from: string, to: string): boolean {
  return dirname(from) === dirname(to) || floorOf(to) < floorOf(from);
}

/** Which file defines a name that others can see. */
export function definitions(sources: Source[]): Map<string, string> {
  return new Map(sources.flatMap(({ path, defines }) => defines.map((name) => [name, path])));
}

/** Which files name functions and variables of which others. */
export function calls(sources: Source[]): Graph {
  const where = definitions(sources);
  return new Map(
    sources
      .filter(({ path }) => path.endsWith(".c"))
      .map(({ path, words }) => {
        const others = [...words].map((word) => where.get(word)).filter((file) => file !== undefined && file !== path);
        return [path, new Set(others as string[])];
      }),
  );
}

function climbs(sources: Source[]): string[] {
  const edges = [
    ...sources.flatMap(({ path, includes }) => includes.map((to) => [path, to, "includes"] as const)),
    ...[...calls(sources)].flatMap(([path, next]) => [...next].map((to) => [path, to, "calls"] as const)),
  ];
  return edges
    .filter(([from, to]) => !mayKnow(from, to))
    .map(([from, to, how]) => `${from} ${how} ${to}, which is not below it`);
}

function circles(sources: Source[]): string[] {
  const headers: Graph = new Map(
    sources.filter(({ path }) => path.endsWith(".h")).map(({ path, includes }) => [path, new Set(includes)]),
  );
  return [headers, calls(sources)]
    .map(circle)
    .filter((found) => found !== undefined)
    .map((found) => `a circle: ${found.join(" → ")}`);
}

/** What the names that a file gives to others begin with; those of the public interface are fixed. */
function prefix(path: string): string {
  const file = basename(path, ".c");
  const [, host] = /^host\/(\w+)\//.exec(path) ?? [];
  return host === undefined ? `rf_${file}` : `rf_${host}_${file}`;
}

function names(sources: Source[]): string[] {
  const headers = new Map(sources.map((source) => [source.path, source]));
  const wrong: string[] = [];
  for (const { path, defines } of sources) {
    for (const name of defines.filter((name) => !/^(resty_ffi_|ngx_http_lua_ffi_|main$)/.test(name))) {
      const begin = prefix(path);
      if (name !== begin && !name.startsWith(`${begin}_`)) wrong.push(`${path}: ${name} does not begin with ${begin}`);
      if (!headers.get(path.replace(/c$/, "h"))?.words.has(name)) wrong.push(`${path}: ${name} is not in its header`);
    }
  }
  for (const { path } of sources.filter(({ path }) => path.endsWith(".h") && !SHARED.includes(path)))
    if (!headers.has(path.replace(/h$/, "c"))) wrong.push(`${path} is the header of no file`);
  return wrong;
}

function namesakes(sources: Source[]): string[] {
  const where = new Map<string, string[]>();
  for (const { path, statics } of sources)
    for (const name of statics) where.set(name, [...(where.get(name) ?? []), path]);
  return [...where]
    .filter(([, files]) => files.length > 1)
    .map(([name, files]) => `static ${name} is in several files: ${files.join(", ")}`);
}

/** What is wrong with the structure of native/, one sentence each. */
export function faults(sources: Source[]): string[] {
  return [...climbs(sources), ...circles(sources), ...names(sources), ...namesakes(sources)];
}
