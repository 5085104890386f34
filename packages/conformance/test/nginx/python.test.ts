import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lua } from "@resty-ffi/nginx";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Nginx } from "../../src/nginx/nginx.js";
import { runtimeOf } from "../../src/places.js";

const scratch = mkdtempSync(join(tmpdir(), "resty-ffi-python-"));
const noted = join(scratch, "noted");
const { lib } = runtimeOf("python");
const NAMES = ["one", "two"];

/** The same two modules in a folder of its own for each name. */
const MODULE = `
import atexit, os, signal
import helper, resty_ffi

app = resty_ffi.Runtime()


def note(text):
    with open(${JSON.stringify(noted)}, "a") as file:
        print(text, file=file)


atexit.register(note, helper.NAME)


@app.method
def name(req):
    import late

    return f"{helper.NAME} {late.NAME}"


@app.method
def die(req):
    print("the last words of", helper.NAME)
    os.kill(os.getpid(), signal.SIGKILL)
`;

beforeAll(() => {
  for (const name of NAMES) {
    mkdirSync(join(scratch, name));
    writeFileSync(join(scratch, name, "module.py"), MODULE);
    for (const file of ["helper.py", "late.py"]) writeFileSync(join(scratch, name, file), `NAME = "${name}"\n`);
  }
});
afterAll(() => rmSync(scratch, { recursive: true }));

describe.each([false, true])("Python in nginx, isolate = %s", (isolate) => {
  let nginx: Nginx;
  const start = async () => {
    rmSync(noted, { force: true });
    const loads = NAMES.map(
      (name) =>
        `assert(fixture.load("${name}", ${lua(lib)}, ${lua(`${scratch}/${name}/module,app,`)}, ${lua({ isolate })}))`,
    );
    nginx = await Nginx.start({
      http: `init_worker_by_lua_block { local fixture = require "fixture" ${loads.join("\n")} }`,
    });
  };
  const call = async (name: string) => (await nginx.request("POST", `/call/${name}/name`)).body.toString();
  const names = () => (existsSync(noted) ? readFileSync(noted, "utf8").trim().split("\n").sort() : []);
  afterEach(() => nginx.stop());

  test("two modules of the same name are two modules", async () => {
    await start();
    for (const name of [...NAMES, ...NAMES]) expect(await call(name)).toBe(`${name} ${name}`);
  });

  test("exit handlers run when nginx reloads, and when it quits", async () => {
    await start();
    const [worker] = nginx.workers;
    nginx.signal("SIGHUP");
    await expect.poll(names).toEqual(NAMES);
    await expect.poll(() => nginx.workers.length === 1 && nginx.workers[0] !== worker).toBe(true);
    expect(await call("one")).toBe("one one");
    nginx.signal("SIGQUIT");
    await nginx.exited;
    expect(names()).toEqual(["one", "one", "two", "two"]);
    expect(nginx.alarms()).toEqual([]);
  });

  if (isolate) {
    test("what a process prints is in the log when it is killed", async () => {
      await start();
      await nginx.request("POST", "/call/one/die");
      await expect.poll(() => nginx.errorLog()).toContain("the last words of one");
      await expect.poll(() => call("one")).toBe("one one");
    });
  }

  test("a module that is not there: the places that were searched", async () => {
    await start();
    const options = lua({ isolate });
    const said = await nginx.lua(
      `return select(2, ngx.load_ffi(${lua(lib)}, "/no/such/folder/module,app,", ${options}))`,
    );
    expect(said).toContain("No module named 'module'; searched /no/such/folder (does not exist), ");
  });
});
