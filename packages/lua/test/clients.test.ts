import { rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { scratchFolder } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { certificate, type Pem } from "./support/certificate.ts";
import { type Lua, startLua } from "./support/lua.ts";
import { ROOT } from "./support/places.ts";

/** A constructor, and the options that it needs with that of the server last. */
const CLIENTS = [
  ["grpc.new", "addresses"],
  ["etcd.new", "endpoints"],
  ["kafka.producer", "brokers"],
  ["kafka.consumer", 'topics = { "t" }, brokers'],
] as const;

let lua: Lua;
let folder: string;
let pem: Pem;
let silent: Server;
const sockets = new Set<Socket>();
beforeAll(async () => {
  folder = scratchFolder("clients");
  pem = certificate(folder, "ca", "client");
  silent = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
  });
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  lua = await startLua({
    env: {
      LD_LIBRARY_PATH: ["native/dist/lib", "runtimes/go/dist", "runtimes/rust/dist"]
        .map((path) => join(ROOT, path))
        .join(":"),
    },
  });
});
afterAll(async () => {
  await lua?.stop();
  for (const socket of sockets) socket.destroy();
  silent.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a chunk that knows the three modules. `SERVER` is a list of one server that accepts connections and says nothing. */
const run = (chunk: string) =>
  lua.run(`
    local grpc, etcd, kafka = require "resty.ffi.grpc", require "resty.ffi.etcd", require "resty.ffi.kafka"
    local SERVER = { "127.0.0.1:${(silent.address() as AddressInfo).port}" }
    ${chunk}`);

describe.each(CLIENTS)("%s", (maker, server) => {
  const make = (options: string) => `${maker}{ ${server} = SERVER, ${options} }`;

  it("returns an object, before anything is connected", async () => {
    expect(await run(`local object = ${make("")} return type(object), object:close()`)).toBe("table|true");
  });

  it("takes the options in common", async () => {
    const options = "timeout = 1, connect_timeout = 1, keepalive = 20, keepalive_timeout = 10, idle_timeout = 10";
    for (const tls of ["true", "false", "{ verify = false }", '{ server_name = "a.test" }'])
      expect(await run(`return type((${make(`${options}, tls = ${tls}`)}))`)).toBe("table");
  });

  it("takes PEM as text and as the path of a file", async () => {
    const text = (path: string) => `assert(io.open("${path}")):read("*a")`;
    const [path, texts] = [(file: string) => `"${file}"`, text].map(
      (shown) => `tls = { ca = ${shown(pem.ca)}, cert = ${shown(pem.cert)}, key = ${shown(pem.key)} }`,
    );
    for (const options of [path, texts]) expect(await run(`return type((${make(options as string)}))`)).toBe("table");
  });

  it.each([
    ["no_such_option = 1", 'there is no option "no_such_option"; the options are: '],
    [
      'tls = "no"',
      'the option "tls" must be a boolean or a table of ca, cert, key, server_name and verify, not string "no"',
    ],
    ["tls = { verified = false }", 'the option "tls": there is no option "verified"; the options are: ca, cert, key, '],
    ["tls = { verify = 1 }", 'the option "tls": the option "verify" must be a boolean, not number 1'],
    [
      'tls = { ca = "/nowhere" }',
      'the option "tls.ca" is neither PEM nor a file that can be read: /nowhere: No such file',
    ],
    ['tls = { ca = "/" }', 'the option "tls.ca" is neither PEM nor a file that can be read: /: Is a directory'],
    ['tls = { cert = "-----BEGIN" }', 'the options "tls.cert" and "tls.key" need each other'],
    ["timeout = 0", 'the option "timeout" must be a number of seconds above 0'],
    ["connect_timeout = 0", 'the option "connect_timeout" must be a number of seconds above 0'],
    ['keepalive = "1"', 'the option "keepalive" must be a number of seconds above 0'],
    ["keepalive_timeout = true", 'the option "keepalive_timeout" must be a number of seconds above 0'],
    ["idle_timeout = -1", 'the option "idle_timeout" must be a number of seconds above 0'],
  ])("with %s returns nil, BAD_ARGUMENT and a message", async (options, message) => {
    expect(await run(`return ${make(options)}`)).toContain(`nil|-10|${message}`);
  });
});

it.each([
  ["grpc.new", "addresses", 'unary("/a.B/C")'],
  ["etcd.new", "endpoints", 'get("a")'],
  ["kafka.producer", "brokers", "topics()"],
])("%s{ %s, timeout } gives a call its timeout if the call has none", async (maker, server, call) => {
  // 5 seconds are the default.
  const chunk = `
    local object = assert(${maker}{ ${server} = SERVER, timeout = 0.3 })
    ngx.update_time()
    local start = ngx.now()
    local ok = object:${call}
    ngx.update_time()
    return ok, ngx.now() - start < 4, object:close()`;
  await expect.poll(() => run(chunk), { timeout: 60_000 }).toBe("false|true|true");
});

it.each(["grpc", "etcd", "kafka"])("%s.setup refuses after the first use", async (name) => {
  expect(await run(`return require("resty.ffi.${name}").setup{}`)).toMatch(
    /^nil\|"ffi_\w+" is loaded: set it up before/,
  );
});

describe("former names", () => {
  it("of etcd", async () => {
    const options = 'endpoints = SERVER, username = "u", password = "p", dial_timeout = 1, keepalive_time = 20';
    expect(await run(`return type(etcd.new{ ${options} })`)).toBe("table");
    expect(await run(`return etcd.new{ ${options}, keepalive = 20 }`)).toContain(
      'nil|-10|there is no option "keepalive_time"',
    );
    expect(await run(`return etcd.new{ ${options}, connect_timeout = 1 }`)).toContain('no option "dial_timeout"');
  });

  it("of gRPC", async () => {
    const [ca, cert, key] = [pem.ca, pem.cert, pem.key].map((path) => `grpc.readfile("${path}")`);
    const options = `ca = ${ca}, cert = ${cert}, priv_key = ${key}, host = "a.test"`;
    expect(await run(`local ok, conn = grpc.connect(SERVER, { ${options} }) return ok, type(conn)`)).toBe("true|table");
    expect(await run(`return type((grpc.new{ addresses = SERVER, ${options} }))`)).toBe("table");
    for (const [name, former, value] of [
      ["ca", "ca", ca],
      ["server_name", "host", '"a.test"'],
    ])
      expect(await run(`return grpc.connect(SERVER, { ${former} = ${value}, tls = { ${name} = ${value} } })`)).toBe(
        `false|-10|the options "tls.${name}" and "${former}" exclude each other`,
      );
  });

  it("of gRPC's results", async () => {
    const both = await run(`
      local conn = assert(grpc.new{ addresses = SERVER })
      local stream, code, message = conn:stream(1)
      local ok, former, text = conn:new_stream(1)
      return stream, code, message == text and message, ok, former`);
    expect(both).toBe('nil|-10|the method must be a string such as "/package.Service/Method", not a number|false|-10');
  });
});

describe("grpc.new", () => {
  it.each([
    ["{}", 'there is not an address: give "HOST:PORT" or a list of them'],
    ["nil", "the options must be a table, not a nil"],
    ["{ addresses = 1 }", 'the option "addresses" must be "HOST:PORT" or a list of them, not number 1'],
    ['{ addresses = "localhost" }', '"localhost" is not an address'],
    ['{ addresses = "https://a:1", tls = false }', 'the option "tls" is false, but'],
  ])("refuses %s", async (options, message) => {
    expect(await run(`return grpc.new(${options})`)).toContain(`nil|-10|${message}`);
  });

  it("knows no addresses among the options of connect", async () => {
    expect(await run('return grpc.connect("a:1", { addresses = "b:1" })')).toContain('no option "addresses"');
  });
});
