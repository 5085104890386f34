import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { typesIn } from "../reference/annotations.ts";
import { allParts, MODULES, partsOf, placeOf, reference } from "../reference/pages.ts";
import { type Lua, startLua } from "./support/lua.ts";

let lua: Lua;
beforeAll(async () => {
  lua = await startLua();
});
afterAll(() => lua.stop());

const classes = allParts().flatMap((part) => part.classes);
const aliases = allParts().flatMap((part) => part.aliases);
const functions = classes.flatMap((made) => made.functions.filter(({ hidden }) => !hidden));

describe.each(Object.keys(MODULES))("the reference of %s", (module) => {
  const text = () => readFileSync(placeOf(module), "utf8");

  it("is that of the code; npm run docs writes it", () => {
    expect(text()).toBe(reference(module));
  });

  it("has every function that require returns", async () => {
    const { variable = "" } = MODULES[module] ?? {};
    const names = await lua.run(`
      local names = {}
      local function add(prefix, table)
        for name, value in pairs(table) do
          if type(value) == "function" then
            names[#names + 1] = prefix .. "." .. name
          elseif type(value) == "table" then
            add(name, value)
          end
        end
      end
      add("${variable}", require "${module}")
      table.sort(names)
      return table.concat(names, " ")`);
    expect(names.split(" ").length).toBeGreaterThan(1);
    const headings = [...text().matchAll(/^### `([\w.]+)\(/gm)].map(([, name]) => name);
    expect(headings.sort()).toEqual(names.split(" "));
  });

  it("has every method of the objects", () => {
    const methods = partsOf(module).flatMap(({ classes }) =>
      classes.flatMap((made) => made.functions.filter(({ name, hidden }) => name.includes(":") && !hidden)),
    );
    for (const { name } of methods) expect(text()).toMatch(new RegExp(`^### \`\\w+:${name.split(":")[1]}\\(`, "m"));
  });
});

describe("the annotations", () => {
  it.each(functions.map((made) => [made.place, made.name, made] as const))("%s: %s", (_, __, made) => {
    expect(made.text).not.toBe("");
    expect(made.items.map(({ name }) => name)).toEqual(made.parameters);
    for (const { type } of [...made.items, ...made.results]) expect(type).not.toBe("");
  });

  it("of functions that return something say what", () => {
    const silent = functions.filter(({ results }) => results.length === 0).map(({ name }) => name);
    expect(silent).toEqual(["_M.serve"]);
  });

  it("name types that there are", () => {
    const known = new Set([...classes, ...aliases].map(({ name }) => name));
    const items = [
      ...classes.flatMap(({ fields }) => fields),
      ...functions.flatMap((made) => [...made.items, ...made.results]),
      ...aliases,
    ];
    expect(items.length).toBeGreaterThan(200);
    const named = [...items.flatMap(({ type }) => typesIn(type)), ...classes.flatMap(({ parent }) => parent ?? [])];
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  it("describe each class once", () => {
    const names = [...classes, ...aliases].map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});
