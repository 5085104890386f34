/* Reads the annotations of LuaLS in the modules: comments of three dashes before a class, a function or nothing. */

/** A parameter, a field or a result. */
export interface Item {
  name: string;
  type: string;
  optional: boolean;
  text: string;
}

export interface Class {
  name: string;
  parent: string | undefined;
  text: string;
  fields: Item[];
  functions: Callable[];
}

export interface Callable {
  /** As it is written in Lua: `_M.new` or `Client:get`. */
  name: string;
  parameters: string[];
  text: string;
  items: Item[];
  results: Item[];
  /** Not a part of the interface. */
  hidden: boolean;
  /** The file and the line, for messages. */
  place: string;
}

export interface Module {
  /** The comment at the top of the file, without its dashes. */
  head: string;
  classes: Class[];
  aliases: Item[];
}

interface Block {
  text: string[];
  tags: [name: string, rest: string][];
}

/** Where a type that begins a text ends: at the first space outside of brackets that does not belong to it. */
function endOfType(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if ("({[<".includes(letter)) depth++;
    else if (")}]>".includes(letter)) depth--;
    else if (letter === " " && depth === 0 && !":,|".includes(text[at - 1] ?? "") && text[at + 1] !== "|") return at;
  }
  return text.length;
}

function typed(text: string): { type: string; rest: string } {
  const end = endOfType(text);
  return { type: text.slice(0, end), rest: text.slice(end).trim() };
}

/** `name? type text`. */
function named(rest: string): Item {
  const [, name = "", mark = "", tail = ""] = /^([\w.]+)(\??)\s+(.*)$/.exec(rest) ?? [];
  const { type, rest: text } = typed(tail);
  return { name, type, optional: mark === "?", text };
}

/** `type name text`. */
function result(rest: string): Item {
  const { type, rest: tail } = typed(rest);
  const [, name = "", text = ""] = /^(\w*)\s*(.*)$/.exec(tail) ?? [];
  return { name, type, optional: false, text };
}

const FUNCTION = /^function (\w+[.:]\w+)\(([^)]*)\)/;

/** The annotations of a module's source. Throws where a comment says nothing about what follows it. */
export function annotationsOf(source: string, file: string): Module {
  const lines = source.split("\n");
  const classes: Class[] = [];
  const aliases: Item[] = [];
  /** The classes by the variables that hold their functions. */
  const holders = new Map<string, Class>();
  let block: Block | undefined;

  const asClass = (made: Block, line: string) => {
    const rest = made.tags.find(([tag]) => tag === "class")?.[1] as string;
    const [name = "", parent] = rest.split(/:\s*/);
    const fields = made.tags.filter(([tag]) => tag === "field").map(([, field]) => named(field));
    const made_class: Class = { name, parent, text: made.text.join("\n"), fields, functions: [] };
    classes.push(made_class);
    const [, variable] = /^local (\w+) =/.exec(line) ?? [];
    if (variable) holders.set(variable, made_class);
  };

  const asFunction = (made: Block, line: string, place: string) => {
    const [, name = "", parameters = ""] = FUNCTION.exec(line) ?? [];
    const holder = holders.get(name.split(/[.:]/)[0] as string);
    if (!holder && name.includes(":")) throw new Error(`${place}: ${name} is a method of nothing that has a @class`);
    const all = (tag: string) => made.tags.filter(([found]) => found === tag).map(([, rest]) => rest);
    holder?.functions.push({
      name,
      parameters: parameters.split(/,\s*/).filter((parameter) => parameter),
      text: made.text.join("\n"),
      items: all("param").map(named),
      results: all("return").map(result),
      hidden: all("private").length > 0,
      place,
    });
  };

  for (const [index, line] of lines.entries()) {
    const [, comment] = /^---(?!-)(.*)$/.exec(line) ?? [];
    if (comment !== undefined) {
      block ??= { text: [], tags: [] };
      const [, tag, rest = ""] = /^@(\w+)\s*(.*)$/.exec(comment) ?? [];
      if (tag) block.tags.push([tag, rest]);
      else block.text.push(comment);
      continue;
    }
    const made = block ?? { text: [], tags: [] };
    block = undefined;
    const place = `${file}:${index + 1}`;
    if (made.tags.some(([tag]) => tag === "class")) asClass(made, line);
    else if (made.tags.some(([tag]) => tag === "alias"))
      aliases.push(named(made.tags.find(([tag]) => tag === "alias")?.[1] as string));
    else if (FUNCTION.test(line)) asFunction(made, line, place);
    else if (made.text.length + made.tags.length > 0) throw new Error(`${place}: a comment of nothing that is known`);
  }
  const top = lines.slice(
    0,
    lines.findIndex((line) => !line.startsWith("--")),
  );
  return { head: top.map((line) => line.replace(/^-- ?/, "")).join("\n"), classes, aliases };
}

const BUILT_IN = new Set(
  "any boolean cdata fun function integer nil number string table thread true false userdata".split(" "),
);

/** The names of classes and aliases in a type. */
export function typesIn(type: string): string[] {
  const words = type.replace(/"[^"]*"/g, "").matchAll(/([A-Za-z_][\w.]*)(\??:(?!:))?/g);
  return [...words].filter(([, word = "", key]) => !key && !BUILT_IN.has(word)).map(([, word = ""]) => word);
}
