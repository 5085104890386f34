import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Lua, startLua } from "./support/lua.ts";
import { LIB, PACKAGE } from "./support/places.ts";

const rockspecs = readdirSync(PACKAGE).filter((name) => name.endsWith(".rockspec"));
const { version, license } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));

let lua: Lua;
beforeAll(async () => {
  lua = await startLua();
});
afterAll(() => lua.stop());

/** A rockspec is a Lua program that sets variables; evaluates an expression of them. */
function evaluate(code: string): Promise<string> {
  const file = join(PACKAGE, rockspecs[0] ?? "");
  return lua.run(`
    local rock = {}
    setfenv(assert(loadfile(${JSON.stringify(file)})), rock)()
    ${code}`);
}

it("there is one", () => {
  expect(rockspecs).toHaveLength(1);
});

it("its modules are the files below lib, each under the name that require finds it by", async () => {
  const text = await evaluate(`
    local lines = {}
    for name, file in pairs(rock.build.modules) do lines[#lines + 1] = name .. " " .. file end
    return table.concat(lines, "\\n")`);
  const files = readdirSync(LIB, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(LIB.length + 1));
  expect(files).toContain(join("resty", "ffi.lua"));
  const expected = files.map((file) => `${file.replace(/\.lua$/, "").replaceAll("/", ".")} lib/${file}`);
  expect(text.split("\n").sort()).toEqual(expected.sort());
});

it("its version is package.json's, and so are its tag and its name", async () => {
  expect(await evaluate("return rock.version, rock.source.tag, rock.package")).toMatch(
    new RegExp(`^${version.replaceAll(".", "\\.")}-\\d+\\|v${version.replaceAll(".", "\\.")}\\|lua-resty-ffi$`),
  );
  expect(await evaluate('return rock.package .. "-" .. rock.version .. ".rockspec"')).toBe(
    basename(rockspecs[0] ?? ""),
  );
  expect(await evaluate("return rock.description.license")).toBe(license);
});
