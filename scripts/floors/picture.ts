import { basename, dirname } from "node:path";
import { type Graph, reduced } from "./graph.ts";
import { calls, FLOORS, FOLDERS } from "./rules.ts";
import type { Source } from "./sources.ts";

const id = (name: string) => name.replaceAll(/\W/g, "_");

function draw(lines: string[]): string {
  return ["```mermaid", "flowchart TB", ...lines.map((line) => `  ${line}`), "```"].join("\n");
}

function arrows(graph: Graph): string[] {
  return [...reduced(graph)].flatMap(([from, next]) => [...next].sort().map((to) => `${id(from)} --> ${id(to)}`));
}

/** The folders from the top, each with its files: an arrow is an include, unless it follows from others. */
function folders(sources: Source[]): string {
  const graph: Graph = new Map(
    [...FLOORS].reverse().flatMap((floor) =>
      floor.map((folder) => {
        const includes = sources.filter(({ path }) => dirname(path) === folder).flatMap((source) => source.includes);
        return [folder, new Set(includes.map(dirname).filter((other) => other !== folder))];
      }),
    ),
  );
  const box = (folder: string) => {
    const files = sources.filter(({ path }) => dirname(path) === folder && path.endsWith(".c"));
    const list = files.map(({ path }) => basename(path, ".c"));
    const rows = list.flatMap((_, k) => (k % 6 === 0 ? [list.slice(k, k + 6).join(", ")] : []));
    return `${id(folder)}["<b>${folder}/</b><br>${rows.join("<br>")}"]`;
  };
  return draw([...graph.keys()].map(box).concat(arrows(graph)));
}

/** The files of one folder: an arrow is a call, unless it follows from others. */
function files(sources: Source[], folder: string): string {
  const inside = sources.filter(({ path }) => dirname(path) === folder);
  const graph: Graph = new Map(
    [...calls(inside)].map(([path, next]) => [
      basename(path, ".c"),
      new Set([...next].map((to) => basename(to, ".c"))),
    ]),
  );
  return draw(arrows(graph));
}

/** The picture of this name, as mermaid text. */
export function picture(sources: Source[], name: string): string {
  if (name === "folders") return folders(sources);
  if (FOLDERS.includes(name)) return files(sources, name);
  throw new Error(`there is no picture "${name}"`);
}
