import { join } from "node:path";
import { lua } from "@resty-ffi/nginx";
import { FOLDERS } from "@resty-ffi/scripts/paths";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { ORIGINAL, ORIGINAL_SOURCE, ROOT } from "../../src/places.js";

/** A runtime as for lua-resty-ffi: without an SDK of ours, or by one of its loaders, or a module for them in ours. */
interface Echo {
  lib: string;
  /** What the text stands behind in the configuration. */
  prefix?: string;
  env?: Record<string, string>;
}

const built = (name: string) => join(ORIGINAL, `libffi_original_${name}.so`);
const dist = (language: keyof typeof FOLDERS) => join(ROOT, FOLDERS[language], "dist");
const java = { CLASSPATH: join(ORIGINAL, "classes"), RESTY_FFI_JNI: built("java") };
const python = { PYTHONPATH: [join(ORIGINAL_SOURCE, "python"), join(dist("python"), "python")].join(":") };
const search = { LD_LIBRARY_PATH: (["python", "java", "node"] as const).map(dist).join(":") };

const ECHOES: Record<string, Echo> = {
  Go: { lib: built("go") },
  Rust: { lib: built("rust") },
  "Python, a loader of its own": { lib: built("python"), prefix: "ffi.echo,init,", env: python },
  "Python, our loader": { lib: "resty_ffi_python", prefix: "ffi.echo?,init,", env: { ...search, ...python } },
  "Java, a loader of its own": { lib: built("java"), prefix: "demo.Echo,init,", env: java },
  "Java, our loader": { lib: "ffi_java", prefix: "demo.Echo,init,", env: { ...search, ...java } },
  "Node.js": {
    lib: "ffi_nodejs",
    prefix: "demo/echo?,init,",
    env: { ...search, NODE_PATH: join(ORIGINAL_SOURCE, "node") },
  },
};

/** Calls of two runtimes in turns, with requests of up to 5000 bytes; counts what came back wrong. */
const CALLS = `
  local function calls(n, ...)
    local wrong, last = 0
    local runtimes = { ... }
    for k = 1, n do
      for _, rt in ipairs(runtimes) do
        local request = k .. (" text"):rep(k % 1000)
        local ok, res, err = rt:echo(request)
        if not ok or res ~= request then wrong, last = wrong + 1, err or res end
      end
    end
    return wrong == 0 and "" or wrong .. " wrong answers: " .. tostring(last)
  end`;

describe.each(Object.entries(ECHOES))("%s", (name, { lib, prefix = "", env = {} }) => {
  const transports = name === "Node.js" ? ["process"] : ["thread", "process"];
  describe.each(transports)("%s", (transport) => {
    let nginx: Nginx;
    beforeAll(async () => {
      nginx = await Nginx.start({ env });
    });
    afterAll(() => nginx.stop());

    const options = lua({ is_global: true, unpin: true, isolate: transport === "process", timeout: 30 });
    const run = (code: string) =>
      nginx.lua(`
        local function load(text) return assert(ngx.load_ffi(${lua(lib)}, ${lua(prefix)} .. text, ${options})) end
        ${CALLS}
        ${code}`);
    const config = (rt: string) => `select(2, assert(${rt}:echo("config")))`;

    test("two configurations, 2000 calls of each, loaded twice, unloaded, loaded again", async () => {
      const workers = nginx.workers;
      expect(
        await run(`
          local a, b = load("a"), load("b")
          assert(a ~= b and a == load("a"))
          return ${config("a")} .. ${config("b")} .. calls(2000, a, b)`),
      ).toBe("ab");
      for (let round = 0; round < 3; round++) {
        expect(
          await run(`
            local a, b = load("a"), load("b")
            a:__unload()
            assert(not a:echo("x"))
            a = load("a")
            return ${config("a")} .. ${config("b")} .. calls(50, a, b)`),
        ).toBe("ab");
      }
      await run(`load("a"):__unload() load("b"):__unload()`);
      expect(nginx.workers).toEqual(workers);
      expect(nginx.alarms()).toEqual([]);
    });

    test("a load that fails gives its reason, and the next load works", async () => {
      if (!prefix) return; // those have nothing that could be missing
      expect(
        await run(`
          local rt, err = ngx.load_ffi(${lua(lib)}, "no_such,init,", ${options})
          assert(rt == nil and err, "it loaded")
          return ${config('load("c")')}`),
      ).toBe("c");
    });

    test("nginx ends as it should", async () => {
      nginx.signal("SIGQUIT");
      expect(await nginx.exited).toBe(0);
      expect(nginx.alarms()).toEqual([]);
    });
  });
});
