import type { Callable, Class, Item, Module } from "./annotations.ts";

const anchor = (name: string) => name.toLowerCase().replace(/[^\w]/g, "");

/** Where classes and aliases are described, by their names. */
type Links = Map<string, string>;

/** A type for Markdown. What is described somewhere is a link. */
function shown(type: string, links: Links): string {
  if (/[({<\s]/.test(type)) return `\`${type}\``;
  return type
    .split("|")
    .map((part) => {
      const place = links.get(part.replace(/(\[\])+$/, ""));
      return place ? `[\`${part}\`](${place})` : `\`${part}\``;
    })
    .join(" or ");
}

const result = ({ name, type, text }: Item, links: Links) =>
  `${shown(type, links)}${name ? ` ${name}` : ""}${text ? `: ${text}` : ""}`;

function functionOf(made: Callable, title: string, links: Links): string {
  const lines = [`### \`${title}\``, "", made.text, ""];
  for (const { name, optional, type, text } of made.items)
    lines.push(`- \`${name}${optional ? "?" : ""}\`: ${shown(type, links)}${text ? ` – ${text}` : ""}`);
  if (made.results.length > 0) lines.push(`- returns ${made.results.map((item) => result(item, links)).join("; ")}`);
  return `${lines.join("\n").trimEnd()}\n`;
}

/** The fields of a class with those that it inherits. */
function fieldsOf(made: Class, all: Map<string, Class>): Item[] {
  const parent = made.parent === undefined ? undefined : all.get(made.parent);
  return [...made.fields, ...(parent ? fieldsOf(parent, all) : [])];
}

function table(fields: Item[], links: Links): string {
  const rows = fields.map(({ name, optional, type, text }) => {
    const cell = shown(type, links).replaceAll("|", "\\|");
    return `| \`${name}${optional ? "?" : ""}\` | ${cell} | ${text} |`;
  });
  return ["| field | type | |", "|---|---|---|", ...rows, ""].join("\n");
}

/** How a program names what a function belongs to: `etcd.new`, `client:get`. */
const owner = (made: Class) => {
  const last = made.name.split(".").at(-1) as string;
  return last[0]?.toLowerCase() + last.slice(1);
};

export interface Source {
  /** The name by which the module is required, and the variable that examples have for it. */
  module: string;
  variable: string;
  /** What the page consists of, the module itself first. */
  parts: Module[];
  /** The classes of all pages, which this one may inherit from. */
  classes: Class[];
  /** The pages that they are on. */
  pages: Map<string, string>;
}

/** The reference of a module. */
export function page({ module, variable, parts, classes, pages }: Source): string {
  const own = parts.flatMap(({ classes }) => classes);
  const aliases = parts.flatMap((part) => part.aliases);
  const all = new Map(classes.map((made) => [made.name, made]));
  const objects = own.filter((made) => made.name !== module && made.functions.some(({ hidden }) => !hidden));
  const records = own.filter((made) => made.name !== module && !objects.includes(made));
  const links: Links = new Map(
    [...pages].map(([name, where]) => [name, `${where === module ? "" : `${where}.md`}#${anchor(name)}`]),
  );
  const out = [
    "<!-- Made from the annotations in the Lua code by `npm run docs` in packages/lua: change them there. -->",
    "",
    `# ${module}`,
    "",
    ...head(parts[0]?.head ?? ""),
    "",
  ];
  const add = (made: Class, title: string, level: string) => {
    out.push(`${level} ${title}`, "", made.text, "");
    const fields = fieldsOf(made, all);
    if (fields.length > 0) out.push(table(fields, links));
    for (const item of made.functions.filter(({ hidden }) => !hidden)) {
      const [, mark, name] = /([.:])(\w+)$/.exec(item.name) as RegExpExecArray;
      const prefix = made.name === module ? variable : owner(made);
      out.push(functionOf(item, `${prefix}${mark}${name}(${item.parameters.join(", ")})`, links));
    }
  };
  for (const made of own.filter(({ name }) => name === module)) add(made, "The module", "##");
  for (const made of objects) add(made, made.name, "##");
  if (records.length + aliases.length > 0) out.push("## Types", "");
  for (const made of records) add(made, made.name, "###");
  for (const { name, type } of aliases) out.push(`### ${name}`, "", shown(type, links), "");
  const text = out.join("\n").replace(/\bdocs\/([\w-]+\.md)/g, "[docs/$1](../../../docs/$1)");
  return `${text.trimEnd()}\n`;
}

/** The comment at the top: its indented lines are an example. */
function head(text: string): string[] {
  const out: string[] = [];
  let code = false;
  for (const line of text.split("\n")) {
    const indented = line.startsWith("    ");
    if (indented && !code) out.push("```lua");
    if (!indented && code && line !== "") {
      while (out.at(-1) === "") out.pop();
      out.push("```", "");
    }
    code = indented || (code && line === "");
    out.push(indented ? line.slice(4) : line);
  }
  while (out.at(-1) === "") out.pop();
  if (code) out.push("```");
  return out;
}
