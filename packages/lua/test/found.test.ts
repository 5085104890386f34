import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Lua, type Settings, startLua } from "./support/lua.ts";
import { ECHO, LIB, LIBRESTY } from "./support/places.ts";

let folder: string;
let lua: Lua | undefined;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "resty-ffi-lua-")));
});
afterEach(async () => {
  await lua?.stop();
  lua = undefined;
  rmSync(folder, { recursive: true, force: true });
});

/** A libresty_ffi.so of its own below the scratch folder. */
function copy(name: string): string {
  const file = join(folder, name, "libresty_ffi.so");
  cpSync(LIBRESTY, file);
  return file;
}

/** A file below the scratch folder that is not a library. */
function text(path: string): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, "This is not a library.\n");
  return file;
}

/** The Lua modules outside of any checkout. */
function elsewhere(): string {
  const lib = join(folder, "lua");
  cpSync(LIB, lib, { recursive: true });
  return lib;
}

/** Starts nginx and loads a runtime. Returns which libresty_ffi.so the worker has, or `nil|` and the message. */
async function found(settings: Settings): Promise<string> {
  lua = await startLua(settings);
  return lua.run(`
    require "resty.ffi"
    local rt, err = ngx.load_ffi(${JSON.stringify(ECHO)})
    if not rt then return rt, err end
    assert(select(2, rt:echo("works")) == "works")
    local files, list = {}, {}
    for line in io.lines("/proc/self/maps") do
      local file = line:match("(/.*/libresty_ffi%.so)$")
      if file and not files[file] then files[file] = true list[#list + 1] = file end
    end
    return unpack(list)`);
}

describe("libresty_ffi.so is found", () => {
  it("where RESTY_FFI_LIB says, before all else", async () => {
    const given = copy("given");
    copy("cpath");
    expect(await found({ env: { RESTY_FFI_LIB: given }, cpath: `${folder}/cpath/?.so` })).toBe(given);
  });

  it("in lua_package_cpath, in its order, before the checkout", async () => {
    const second = copy("b/libresty_ffi");
    copy("c");
    expect(await found({ cpath: `${folder}/a/?.so;${folder}/b/?/?.so;${folder}/c/?.so;;` })).toBe(second);
  });

  it("in lua_package_cpath if RESTY_FFI_LIB names no file", async () => {
    const file = copy("cpath");
    expect(await found({ env: { RESTY_FFI_LIB: `${folder}/none.so` }, cpath: `${folder}/cpath/?.so` })).toBe(file);
  });

  it("in the checkout around the Lua modules, before LD_LIBRARY_PATH", async () => {
    copy("system");
    expect(await found({ cpath: `${folder}/?.so`, env: { LD_LIBRARY_PATH: `${folder}/system` } })).toBe(
      realpathSync(LIBRESTY),
    );
  });

  it("in LD_LIBRARY_PATH, where dlopen looks by itself", async () => {
    const file = copy("system");
    const settings = { lib: elsewhere(), cpath: `${folder}/?.so`, env: { LD_LIBRARY_PATH: `${folder}/system` } };
    expect(await found(settings)).toBe(file);
  });

  it("in a checkout elsewhere", async () => {
    const lib = join(folder, "checkout/packages/lua/lib");
    cpSync(LIB, lib, { recursive: true });
    const file = copy("checkout/native/dist/lib");
    expect(await found({ lib, cpath: `${folder}/?.so` })).toBe(file);
  });

  it("though lua_package_cpath has a template without a ?, which names another library", async () => {
    text("loadall.so");
    const file = copy("cpath");
    expect(await found({ cpath: `${folder}/loadall.so;${folder}/cpath/?.so` })).toBe(file);
  });
});

describe("a file there that will not do is named, and nothing else is tried", () => {
  it("text, by RESTY_FFI_LIB", async () => {
    const file = text("text.so");
    expect(await found({ env: { RESTY_FFI_LIB: file } })).toMatch(
      new RegExp(`^nil\\|cannot load "${ECHO}": cannot load ${file}: .*(invalid ELF header|file too short)`),
    );
  });

  it("text, by lua_package_cpath", async () => {
    const file = text("libresty_ffi.so");
    copy("next");
    expect(await found({ cpath: `${folder}/?.so;${folder}/next/?.so` })).toMatch(
      new RegExp(`^nil\\|.*: cannot load ${file}: `),
    );
  });

  it("a folder", async () => {
    expect(await found({ env: { RESTY_FFI_LIB: folder } })).toMatch(new RegExp(`^nil\\|.*: cannot load ${folder}: `));
  });

  it("a library of another project", async () => {
    expect(await found({ env: { RESTY_FFI_LIB: ECHO } })).toMatch(
      new RegExp(`^nil\\|.*: cannot load ${ECHO}: .*resty_ffi_nginx_init`),
    );
  });
});

describe("nothing found", () => {
  const nothing = () =>
    found({
      lib: elsewhere(),
      cpath: `${folder}/one/?.so;${folder}/two/lib?/?.so;${folder}/loadall.so`,
      env: { RESTY_FFI_LIB: `${folder}/given.so` },
    });

  it("lists the places, and what to change", async () => {
    const message = await nothing();
    expect(message).toContain(
      `nil|cannot load "${ECHO}": libresty_ffi.so not found; put its folder into lua_package_cpath or LD_LIBRARY_PATH; ` +
        `searched ${folder}/given.so, ${folder}/one/libresty_ffi.so, ${folder}/two/liblibresty_ffi/libresty_ffi.so (`,
    );
    expect(message).toMatch(/\(.*libresty_ffi\.so: cannot open shared object file.*\)$/);
  });

  it("says which file is there and cannot be read", async () => {
    mkdirSync(join(folder, "one"), { recursive: true });
    const file = join(folder, "one/libresty_ffi.so");
    symlinkSync(file, file); // root may read everything, but not this
    expect(await nothing()).toMatch(new RegExp(`\\); cannot read ${file}: Too many levels of symbolic links$`));
  });

  it("is found out again at the next load: a library put there later is used", async () => {
    expect(await nothing()).toMatch(/^nil\|/);
    copy("one");
    expect(
      await lua?.run(
        `local rt = assert(ngx.load_ffi(${JSON.stringify(ECHO)})) return select(2, assert(rt:echo("now")))`,
      ),
    ).toBe("now");
  });
});
