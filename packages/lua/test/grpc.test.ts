import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GrpcServer, startGrpcServer } from "@resty-ffi/services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SOON, startGrpcLua } from "./support/grpc.ts";
import { type Call, type Http2Grpc, type Reply, startHttp2Grpc } from "./support/http2_grpc.ts";
import type { Lua } from "./support/lua.ts";

let server: GrpcServer;
let raw: Http2Grpc;
let lua: Lua;
let folder: string;
/** What `raw` answers with. */
let answer: (call: Call) => Reply = ({ message }) => ({ messages: [message] });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "resty-ffi-grpc-test-"));
  [server, raw, lua] = await Promise.all([startGrpcServer(), startHttp2Grpc((call) => answer(call)), startGrpcLua()]);
});
afterAll(async () => {
  await lua?.stop();
  await raw?.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const LOAD = `for _, name in ipairs { "helloworld", "route_guide", "echo" } do assert(grpc.loadfile(P .. name .. ".proto")) end`;
/** Runs a chunk that knows `conn`, to the server of the examples. */
const run = (chunk: string) => lua.run(`${LOAD} local conn = connect("${server.address}") ${chunk}`);
const HELLO = "/helloworld.Greeter/SayHello";
const ECHO = "/grpc.examples.echo.Echo/UnaryEcho";
const write = (name: string, content: string | Buffer) => {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};

/** The steps of its README, against the servers of the examples. */
describe("a program for lua-resty-ffi-grpc runs as it is", () => {
  const load = `
    local grpc = require("resty.ffi.grpc")
    grpc.loadfile(P .. "helloworld.proto")
    grpc.loadfile(P .. "route_guide.proto")
    grpc.loadfile(P .. "echo.proto")`;
  const step = (code: string) => lua.run(`${load} ${code}`);

  it("unary call", async () => {
    await step(`
      local ok, conn = grpc.connect("${server.address}")
      assert(ok)
      local ok, res = conn:unary("/helloworld.Greeter/SayHello", {name = "foobar"})
      assert(ok)
      assert(res.message == "Hello foobar")
      assert(conn:close())`);
  });

  it("TLS with certificates on both sides", async () => {
    const { ca, cert, key } = server.certificates;
    await step(`
      local ok, conn = grpc.connect("${server.mtlsAddress}", {
        host = "example.test",
        ca = grpc.readfile("${ca}"),
        cert = grpc.readfile("${cert}"),
        priv_key = grpc.readfile("${key}"),
      })
      assert(ok)
      local ok, res = conn:unary("/grpc.examples.echo.Echo/UnaryEcho", {message = "hello"})
      assert(ok)
      assert(res.message == "hello")`);
  });

  it("a stream from the server", async () => {
    const names = await step(`
      local ok, conn = grpc.connect("${server.address}")
      local ok, stream = conn:new_stream("/routeguide.RouteGuide/ListFeatures")
      assert(ok)
      local ok = stream:send({
        lo = {latitude = 400000000, longitude = -750000000},
        hi = {latitude = 420000000, longitude = -730000000},
      })
      assert(ok)
      local ok = stream:close_send()
      assert(ok)
      local names = {}
      while true do
        local ok, res = stream:recv()
        assert(ok)
        if not res then break end
        names[#names + 1] = res.name
      end
      return #names > 0 and type(names[1])`);
    expect(names).toBe("string");
  });

  it("a stream to the server", async () => {
    const count = await step(`
      local ok, conn = grpc.connect("${server.address}")
      local ok, stream = conn:new_stream("/routeguide.RouteGuide/RecordRoute")
      assert(ok)
      for i = 1, 3 do
        local ok = stream:send({latitude = 409146138 + i * 100, longitude = -746188906 + i * 50})
        assert(ok)
      end
      local ok = stream:close_send()
      assert(ok)
      local ok, summary = stream:recv()
      assert(ok)
      local ok, res = stream:recv()
      assert(ok and not res)
      local ok = stream:close()
      assert(ok)
      local ok = conn:close()
      assert(ok)
      return summary.point_count`);
    expect(count).toBe("3");
  });

  it("a stream both ways", async () => {
    await step(`
      local ok, conn = grpc.connect("${server.address}")
      local ok, stream = conn:new_stream("/routeguide.RouteGuide/RouteChat")
      assert(ok)
      for i = 1, 3 do
        local note = {
          location = {latitude = 409146138 + i * 100, longitude = -746188906 + i * 50},
          message = string.format("note-%d", i),
        }
        local ok = stream:send(note)
        assert(ok)
        local ok, res = stream:recv()
        assert(ok)
        assert(res.message == note.message)
      end
      local ok = stream:close()
      assert(ok)
      local ok = conn:close()
      assert(ok)`);
  });
});

describe("a call", () => {
  it("takes a table and gives one", async () => {
    expect(await run(`return show(conn:unary("${HELLO}", { name = "x" }))`)).toBe('true {message="Hello x"} nil');
  });

  it("fails with the status and the text of the server", async () => {
    expect(await run(`return show(conn:unary("${HELLO}", { name = "" }))`)).toBe(
      'false 3 "the name must not be empty"',
    );
    expect(await run(`return show(conn:unary("${ECHO}", { message = "fail 16 who are you" }))`)).toBe(
      'false 16 "who are you"',
    );
  });

  it("needs no message where an empty one will do", async () => {
    expect(await run(`return show(conn:unary("/routeguide.RouteGuide/GetFeature"))`)).toBe(
      'true {location={latitude=0,longitude=0},name=""} nil',
    );
  });

  it("has a deadline, which the server knows", async () => {
    const before = (await server.stats()).cancelled;
    const text = await run(`
      local begin = ngx.now()
      local ok, code, err = conn:unary("${HELLO}", { name = "slow" }, { timeout = 0.2 })
      ngx.update_time()
      local took = ngx.now() - begin
      return ok, code == ffi.TIMEOUT, err:match("^timeout: "), took > 0.15 and took < 5 or took`);
    expect(text).toBe("false|true|timeout: |true");
    await expect
      .poll(() => server.stats(), SOON)
      .toMatchObject({ streams: 0, cancelled: expect.toSatisfy((cancelled) => cancelled > before) });
    let timeout: unknown;
    answer = ({ headers, message }) => {
      timeout = headers["grpc-timeout"];
      return { messages: [message] };
    };
    expect(await lua.run(`${LOAD} return (connect("${raw.address}"):unary("${ECHO}", {}, { timeout = 3 }))`)).toBe(
      "true",
    );
    expect(String(timeout)).toMatch(/^(2\d{6}|3000000)u$|^(2\d{3}|3000)m$|^\d{10}n$/);
    expect(
      await lua.run(
        `return show(connect("${server.address}", { timeout = 0.1 }):unary("${HELLO}", { name = "slow" }))`,
      ),
    ).toMatch(/^false -1 "timeout: /);
  });

  it("is cancelled when its client goes away", async () => {
    const before = await server.stats();
    const killed = run(`
      local thread = ngx.thread.spawn(function() return conn:unary("${HELLO}", { name = "slow" }) end)
      while not package.loaded.under_way do ngx.sleep(0.01) end
      return ngx.thread.kill(thread)`);
    await expect.poll(() => server.stats(), SOON).toMatchObject({ streams: 1 });
    await run("package.loaded.under_way = true");
    expect(await killed).toBe("1");
    await expect.poll(() => server.stats(), SOON).toMatchObject({ cancelled: before.cancelled + 1 });
  });

  it("carries metadata both ways", async () => {
    expect(
      await run(`
        local ok, res, meta = conn:unary("${ECHO}", { message = "m" }, { with_metadata = true,
          metadata = { ["X-One"] = "1", ["x-two"] = { "a", "b" }, ["x-three-bin"] = "\\0\\255", ["x-four"] = 4 } })
        return show(ok, res, meta.headers, meta.trailers)`),
    ).toBe('true {message="m"} {x-four="4",x-one="1",x-three-bin="\\0\\255",x-two={"a","b"}} {x-trailer="yes"}');
    expect(
      await run(`
        local ok, code, err, meta = conn:unary("${ECHO}", { message = "fail 5 none" }, { with_metadata = true })
        return show(ok, code, err, meta.trailers)`),
    ).toBe('false 5 "none" {x-trailer="yes"}');
    expect(
      await lua.run(`
        local conn = connect("${server.address}", { metadata = { ["x-token"] = "t" } })
        return show(select(3, conn:unary("${ECHO}", { message = "m" }, { with_metadata = true })).headers)`),
    ).toBe('{x-token="t"}');
  });

  it("carries metadata with several values, of any bytes in names that say so", async () => {
    expect(
      await run(`
        local ok, res, meta = conn:unary("${ECHO}", { message = "m" }, { with_metadata = true,
          metadata = { ["x-bin"] = { "\\0\\255", "", "c" }, ["x-list"] = { "a", 1 }, ["x-none"] = {}, ["x-empty"] = "" } })
        return show(meta.headers)`),
    ).toBe('{x-bin={"\\0\\255","","c"},x-empty="",x-list={"a","1"}}');
    answer = ({ headers, message }) => ({ messages: [message], status: headers["x-bin"] === "AP8, YQ" ? 0 : 2 });
    expect(
      await lua.run(`${LOAD} return (connect("${raw.address}"):unary("${ECHO}", {}, {
        metadata = { ["x-bin"] = { "\\0\\255", "a" } } }))`),
    ).toBe("true");
  });

  const TABLE = 'the option "metadata" must be a table of strings, numbers, or lists of them, by their names';

  it.each([
    [
      '{ ["a b"] = "x" }',
      '"a b" is not a valid metadata name: names have lower-case letters, digits, "_", "-" and "."',
    ],
    ['{ ["x!"] = "a" }', '"x!" is not a valid metadata name: names have lower-case letters, digits, "_", "-" and "."'],
    ['{ x = "\\255" }', 'metadata "x" must be printable ASCII: a name that ends in "-bin" takes any bytes'],
    ['{ x = "a\\nb" }', 'metadata "x" must be printable ASCII: a name that ends in "-bin" takes any bytes'],
    ['{ ["grpc-timeout"] = "1S" }', `metadata "grpc-timeout" is gRPC's own and cannot be set`],
    ['{ Connection = "close" }', `metadata "connection" is HTTP's own and cannot be set`],
    ["{ x = 1.5 }", 'metadata "x" must be a string or a whole number, not the number 1.5'],
    ["{ x = true }", `${TABLE}, not one in which "x" is a boolean`],
    ['{ x = { "a", true } }', `${TABLE}, not one in which "x" has a boolean with the key 2`],
    ['{ x = { a = "b" } }', `${TABLE}, not one in which "x" has a string with the key a`],
    ['{ x = { "a", [3] = "b" } }', `${TABLE}, not one in which the list "x" has holes`],
    ['{ "a" }', `${TABLE}, not one with a number for a name`],
    ['"x"', `${TABLE}, not string "x"`],
  ])("refuses the metadata %s", async (metadata, text) => {
    expect(await run(`return select(2, conn:unary("${ECHO}", {}, { metadata = ${metadata} }))`)).toBe(`-10|${text}`);
  });

  it("says what is wrong with its arguments", async () => {
    expect(await run(`return conn:unary("SayHello", {})`)).toBe(
      'false|-10|"SayHello" names no method: write it as /package.Service/Method',
    );
    expect(await run("return conn:unary(nil, {})")).toBe(
      'false|-10|the method must be a string such as "/package.Service/Method", not a nil',
    );
    expect(await run(`return conn:unary("${ECHO}", {}, { timeut = 1 })`)).toBe(
      'false|-10|there is no option "timeut"; the options are: metadata, timeout, wait_for_ready, with_metadata',
    );
    expect(await run(`return conn:unary("/routeguide.RouteGuide/ListFeatures", {})`)).toBe(
      "false|-10|/routeguide.RouteGuide/ListFeatures is a stream: open it with conn:stream",
    );
    expect(await run(`conn:close() return conn:unary("${ECHO}", {})`)).toBe("false|-10|this connection is closed");
  });

  it("bounds the messages", async () => {
    const big = `connect("${server.address}", { max_message_size = 1000 })`;
    expect(await run(`return ${big}:unary("${ECHO}", { message = ("x"):rep(1000) })`)).toBe(
      "false|8|the message has 1003 bytes, and the limit is 1000 (option max_message_size)",
    );
    answer = () => ({ messages: [Buffer.concat([Buffer.from("0ad00f", "hex"), Buffer.alloc(2000, "x")])] });
    const small = `connect("${raw.address}", { max_message_size = 1000 })`;
    expect(await run(`return ${small}:unary("${ECHO}", {})`)).toBe(
      `false|8|${raw.address}: the answer has 2003 bytes, and the limit is 1000 (option max_message_size)`,
    );
    expect(
      await run(`
        local text = ("x"):rep(20000000)
        local conn = connect("${raw.address}", { max_message_size = 30000000 })
        local ok = conn:unary("${ECHO}", { message = text }, { timeout = 20 })
        return ok, select(2, connect("${raw.address}"):unary("${ECHO}", { message = text }))`),
    ).toBe("true|8|the message has 20000005 bytes, and the limit is 4194304 (option max_message_size)");
  });

  it("may be compressed", async () => {
    let encoding: unknown;
    answer = ({ headers, message }) => {
      encoding = headers["grpc-encoding"];
      return { messages: [message] };
    };
    await run(
      `return connect("${raw.address}", { compression = "gzip" }):unary("${ECHO}", { message = ("x"):rep(100) })`,
    );
    expect(encoding).toBe("gzip");
  });

  it("ends with what HTTP/2 says where the server says nothing", async () => {
    answer = () => ({ reset: 8 });
    expect(await run(`return connect("${raw.address}"):unary("${ECHO}", {})`)).toMatch(/^false\|1\|127.0.0.1:\d+: /);
    answer = () => ({ reset: 7 });
    expect(await run(`return connect("${raw.address}"):unary("${ECHO}", {})`)).toMatch(/^false\|14\|127.0.0.1:\d+: /);
    answer = () => ({ messages: [] });
    expect(await run(`return connect("${raw.address}"):unary("${ECHO}", {})`)).toMatch(/^false\|13\|/);
  });

  it("is sent again if the server did not take it, and only then", async () => {
    let calls = 0;
    const resets = (code: number) => () => (++calls === 1 ? { reset: code } : { messages: [] as Buffer[], status: 5 });
    answer = resets(7);
    expect(await run(`return (select(2, connect("${raw.address}"):unary("${ECHO}", {})))`)).toBe("5");
    expect(calls).toBe(2);
    calls = 0;
    answer = resets(8);
    expect(await run(`return (select(2, connect("${raw.address}"):unary("${ECHO}", {})))`)).toBe("1");
    expect(calls).toBe(1);
  });

  it("goes through 64 at once", async () => {
    expect(
      await run(`
        local threads, right = {}, 0
        for k = 1, 64 do
          threads[k] = ngx.thread.spawn(function()
            local ok, res = conn:unary("${ECHO}", { message = "m" .. k })
            return ok and res.message == "m" .. k
          end)
        end
        for k = 1, 64 do
          local _, yes = ngx.thread.wait(threads[k])
          right = right + (yes and 1 or 0)
        end
        return right`),
    ).toBe("64");
  });
});

describe("a stream", () => {
  it("brings what the server sends, to its end", async () => {
    expect(
      await run(`
        local ok, stream = conn:new_stream("/routeguide.RouteGuide/ListFeatures")
        assert(stream:send({ lo = { latitude = 400000000, longitude = -750000000 },
                             hi = { latitude = 420000000, longitude = -730000000 } }))
        assert(stream:close_send())
        local count, first = 0
        while true do
          local ok, feature = stream:recv()
          if not feature then return ok, count > 50, type(first.location.latitude) end
          first, count = first or feature, count + 1
        end`),
    ).toBe("true|true|number");
  });

  it("takes what the client sends", async () => {
    expect(
      await run(`
        local ok, stream = conn:new_stream("/routeguide.RouteGuide/RecordRoute")
        for k = 0, 2 do assert(stream:send({ latitude = 409146138 + k * 100, longitude = -746188906 })) end
        assert(stream:close_send())
        local ok, summary = stream:recv()
        return ok, summary.point_count, summary.feature_count, show(stream:recv()), stream:close()`),
    ).toBe("true|3|1|true nil nil|true");
  });

  it("goes both ways", async () => {
    expect(
      await run(`
        local ok, stream = conn:new_stream("/routeguide.RouteGuide/RouteChat")
        local seen = {}
        for k = 1, 3 do
          assert(stream:send({ location = { latitude = k, longitude = ngx.worker.pid() }, message = "note " .. k }))
          seen[k] = select(2, stream:recv()).message
        end
        return table.concat(seen, ", "), stream:close()`),
    ).toBe("note 1, note 2, note 3|true");
  });

  it("ends with what is wrong: at the server, or with a message", async () => {
    expect(
      await run(`
        local ok, stream = conn:new_stream("/grpc.examples.echo.Echo/BidirectionalStreamingEcho")
        stream:send({ message = "fine" })
        local fine = show(stream:recv())
        stream:send({ message = "fail 9 not now" })
        return fine, stream:recv()`),
    ).toBe('true {message="fine"}|false|9|not now');
    const before = await server.stats();
    expect(
      await run(`
        local ok, stream = conn:new_stream("/routeguide.RouteGuide/RecordRoute")
        stream:send({ latitude = "x" })
        return stream:recv()`),
    ).toBe('false|-10|latitude: must be an int32 or its decimal text, not the text "x"');
    // The server does not take it for the end of the route.
    await expect.poll(() => server.stats(), SOON).toMatchObject({ cancelled: before.cancelled + 1 });
    expect(await run(`return conn:new_stream("x")`)).toMatch(/^true/);
    expect(await run(`local _, s = conn:new_stream("/x.Y/Z") return s:recv()`)).toMatch(
      /^false\|-10\|no loaded file has/,
    );
    expect(await run(`return conn:new_stream(1)`)).toMatch(/^false\|-10\|the method must be a string/);
  });

  it("has the metadata with its end, if asked for", async () => {
    expect(
      await run(`
        local ok, stream = conn:new_stream("/grpc.examples.echo.Echo/BidirectionalStreamingEcho", {
          with_metadata = true, metadata = { ["x-a"] = "b" } })
        stream:send({ message = "m" })
        local first = show(stream:recv())
        stream:close_send()
        local ok, res, meta = stream:recv()
        return first, show(ok, res), meta.headers ~= nil, meta.trailers ~= nil`),
    ).toBe('true {message="m"}|true nil|true|true');
    expect(
      await run(`
        local ok, stream = conn:new_stream("/grpc.examples.echo.Echo/BidirectionalStreamingEcho", { with_metadata = true })
        stream:send({ message = "fail 5 none" })
        local ok, code, err, meta = stream:recv()
        return ok, code, err, type(meta.trailers)`),
    ).toBe("false|5|none|table");
  });

  it("is cancelled at its deadline, when it is closed, and when it is dropped", async () => {
    const before = await server.stats();
    expect(
      await run(`
        local path = "/grpc.examples.echo.Echo/BidirectionalStreamingEcho"
        local ok, late = conn:new_stream(path, { timeout = 0.1 })
        local code = select(2, late:recv())
        local ok, closed = conn:new_stream(path)
        closed:send({ message = "m" })
        closed:recv()
        closed:close()
        local ok, dropped = conn:new_stream(path)
        dropped:send({ message = "m" })
        return code == ffi.TIMEOUT or code, dropped:recv() and true`),
    ).toBe("true|true");
    await expect
      .poll(() => server.stats(), SOON)
      .toMatchObject({ streams: 0, cancelled: expect.toSatisfy((cancelled) => cancelled >= before.cancelled + 2) });
  });

  it("waits for a slow reader, and other streams do not", async () => {
    expect(
      await run(`
        local ok, slow = conn:new_stream("/grpc.examples.echo.Echo/BidirectionalStreamingEcho")
        local sent, text = 0, ("x"):rep(60000)
        local sender = ngx.thread.spawn(function()
          while slow:send({ message = text }, 0.3) do sent = sent + 1 end
        end)
        ngx.thread.wait(sender)
        local ok, res = conn:unary("${ECHO}", { message = "m" })
        local got = 0
        slow:close_send()
        while true do
          local ok, message = slow:recv()
          if not message then return res.message, sent < 100 or sent, got == sent or got, ok end
          got = got + (message.message == text and 1 or 0)
        end`),
    ).toBe("m|true|true|true");
  });
});

describe("TLS", () => {
  const pem = (name: keyof GrpcServer["certificates"]) => `grpc.readfile("${server.certificates[name]}")`;
  const call = (options: string, address = server.tlsAddress) =>
    lua.run(`${LOAD}
      local ok, conn, err = grpc.connect("${address}", ${options})
      if not ok then return ok, conn, err end
      return show(conn:unary("${ECHO}", { message = "hi" }, { timeout = 3 }))`);

  it("trusts the given authority", async () => {
    expect(await call(`{ ca = ${pem("ca")} }`)).toBe('true {message="hi"} nil');
    expect(await call(`{ ca = ${pem("ca")}, host = "example.test" }`)).toBe('true {message="hi"} nil');
    expect(await call(`{ ca = ${pem("ca")} }`, `https://${server.tlsAddress}`)).toBe('true {message="hi"} nil');
  });

  it("refuses any other", async () => {
    expect(await call(`{ ca = ${pem("wrongCa")} }`)).toMatch(/^false 14 "127.0.0.1:\d+: TLS: .*UnknownIssuer/);
    expect(await call("{ tls = true }")).toMatch(/^false 14 "127.0.0.1:\d+: TLS: .*(UnknownIssuer|certificate)/);
    expect(await call(`{ ca = ${pem("ca")}, host = "example.com" }`)).toMatch(/^false 14 ".*not valid for name/);
  });

  it("trusts anybody, if that is wanted", async () => {
    const own = `cert = ${pem("cert")}, priv_key = ${pem("key")}`;
    expect(await call("{ tls = { verify = false } }")).toBe('true {message="hi"} nil');
    expect(await call(`{ ca = ${pem("wrongCa")}, host = "example.com", tls = { verify = false } }`)).toBe(
      'true {message="hi"} nil',
    );
    expect(await call(`{ ${own}, tls = { verify = false } }`, server.mtlsAddress)).toBe('true {message="hi"} nil');
    for (const verified of ["{ verify = true }", "{}"])
      expect(await call(`{ tls = ${verified} }`)).toMatch(
        /^false 14 "127.0.0.1:\d+: TLS: .*(UnknownIssuer|certificate)/,
      );
    for (const wrong of ["{ verify = 1 }", "{ verified = false }", '"no"'])
      expect(await call(`{ tls = ${wrong} }`)).toMatch(
        /^false\|-10\|the option "tls"(:| must be a boolean or a table)/,
      );
  });

  it("shows its certificate to a server that asks for it", async () => {
    const own = `cert = ${pem("cert")}, priv_key = ${pem("key")}`;
    expect(await call(`{ ca = ${pem("ca")}, ${own} }`, server.mtlsAddress)).toBe('true {message="hi"} nil');
    // The server's alert may be overtaken by its reset: what to do is said all the same.
    expect(await call(`{ ca = ${pem("ca")} }`, server.mtlsAddress)).toMatch(
      /^false 14 ".* \(the server asked for a client certificate: options tls.cert and tls.key\)"/,
    );
    expect(await call(`{ ca = ${pem("wrongCa")} }`, server.mtlsAddress)).toMatch(/: TLS: [^(]*UnknownIssuer[^(]*$/);
    const wrong = `cert = ${pem("wrongCert")}, priv_key = ${pem("wrongKey")}`;
    expect(await call(`{ ca = ${pem("ca")}, ${wrong} }`, server.mtlsAddress)).toMatch(
      /^false 14 ".* \(the server asked for a client certificate, and may not trust that of the option tls.cert\)"/,
    );
  });

  it("has all of it in one table", async () => {
    const { ca, cert, key } = server.certificates;
    const echoed = (name: string) =>
      lua.run(`${LOAD}
        local conn = assert(grpc.new{ addresses = { "${server.mtlsAddress}" }, timeout = 20,
          tls = { ca = "${ca}", cert = "${cert}", key = "${key}", server_name = "${name}" } })
        local stream = assert(conn:stream("/grpc.examples.echo.Echo/BidirectionalStreamingEcho"))
        stream:send({ message = "hi" })
        stream:close_send()
        return show(stream:recv(20)), show(stream:recv(20))`);
    expect(await echoed("example.test")).toBe('true {message="hi"}|true nil nil');
    expect(await echoed("example.com")).toMatch(/^false 14 ".*not valid for name/);
  });

  it("names the option whose text is not PEM, and the pair that does not fit", async () => {
    expect(await call('{ ca = "/etc/ca.pem" }')).toBe(
      'false -10 "\\"tls.ca\\" holds no certificate in PEM; the option \\"ca\\" takes the text, as by grpc.readfile, and not the path"',
    );
    expect(await call(`{ ca = ${pem("ca")}, cert = ${pem("cert")}, priv_key = "x" }`)).toBe(
      'false -10 "\\"tls.key\\" holds no private key in PEM"',
    );
    expect(await call(`{ ca = ${pem("ca")}, cert = ${pem("cert")}, priv_key = ${pem("wrongKey")} }`)).toMatch(
      /^false -10 "\\"tls.cert\\" and \\"tls.key\\" cannot be used/,
    );
    expect(await call(`{ cert = ${pem("cert")} }`)).toBe('false|-10|the options "cert" and "priv_key" need each other');
    expect(await call(`{ tls = false, ca = ${pem("ca")} }`)).toMatch(/^false\|-10\|the option "tls" is false/);
    expect(await call("{}")).toMatch(/^false 14 /);
    expect(await lua.run(`return pcall(grpc.readfile, "/no/such")`)).toMatch(/^false\|.*cannot read \/no\/such/);
  });
});

describe("connect", () => {
  it.each([
    ["nil", 'there is not an address: give "HOST:PORT" or a list of them'],
    ["{}", 'there is not an address: give "HOST:PORT" or a list of them'],
    ["1", "an address must be a string, not a number"],
    ['"localhost"', '"localhost" is not an address: write HOST:PORT, [IPV6]:PORT or unix:PATH'],
    ['"::1:50051"', '"::1:50051" is not an address: write HOST:PORT, [IPV6]:PORT or unix:PATH'],
    ['"a:70000"', '"a:70000" is not an address: write HOST:PORT, [IPV6]:PORT or unix:PATH'],
    ['"a:1", { timout = 1 }', 'there is no option "timout"; the options are: ca, cert, compression, connect_timeout, '],
    ['"a:1", { policy = "random" }', 'the option "policy" must be one of round_robin, pick_first, not string "random"'],
    ['"a:1", 7', "the options must be a table, not a number"],
    ['{ "https://a:1", "http://b:1" }', "one of the addresses is https, another http: a connection has one of the two"],
  ])("refuses %s", async (args, text) => {
    expect(await lua.run(`return grpc.connect(${args})`)).toContain(`false|-10|${text}`);
  });

  it("makes no call, so that it works in any phase, with the files", async () => {
    const other = await startGrpcLua({
      http: `
init_by_lua_block {
  local grpc = require "resty.ffi.grpc"
  for _, name in ipairs { "helloworld.proto", "helloworld.proto" } do
    assert(grpc.loadfile("${join(import.meta.dirname, "../../services/protos")}/" .. name))
  end
  local ok
  ok, conn = assert(grpc.connect("${server.address}"))
}`,
    });
    try {
      expect(await other.run(`return show(conn:unary("${HELLO}", { name = "x" }))`)).toBe(
        'true {message="Hello x"} nil',
      );
    } finally {
      await other.stop();
    }
  });

  it("fails at once while no server is there, or waits", async () => {
    const text = await lua.run(`${LOAD}
      local conn = connect("127.0.0.1:1")
      ngx.update_time()
      local begin = ngx.now()
      local first = show(conn:unary("${ECHO}", {}, { timeout = 2 }))
      local second = show(conn:unary("${ECHO}", {}, { timeout = 2 }))
      ngx.update_time()
      local quick = ngx.now() - begin < 1
      local third = show(conn:unary("${ECHO}", {}, { timeout = 0.3, wait_for_ready = true }))
      return first, second, quick, third:match("^%S+ %S+")`);
    const refused = 'false 14 "127.0.0.1:1: Connection refused (os error 111)"';
    expect(text).toBe(`${refused}|${refused}|true|false -1`);
    expect(await lua.run(`return select(2, connect("no.such.host.invalid:1"):unary("${ECHO}", {}))`)).toMatch(
      /^14\|no.such.host.invalid:1: "no.such.host.invalid" is not found/,
    );
  });

  it("spreads calls over several servers and connections, and skips one that is down", async () => {
    const seen: Record<string, number> = {};
    const second = await startHttp2Grpc(({ message }) => {
      seen.second = (seen.second ?? 0) + 1;
      return { messages: [message] };
    });
    answer = ({ message }) => {
      seen.first = (seen.first ?? 0) + 1;
      return { messages: [message] };
    };
    const calls = (options: string) =>
      lua.run(`${LOAD}
        local conn = connect({ "127.0.0.1:1", "${raw.address}", "${second.address}" }, ${options})
        local good = 0
        for _ = 1, 30 do good = good + (conn:unary("${ECHO}", {}) and 1 or 0) end
        return good`);
    const both = async () => {
      expect(await calls("{ reflection = false }")).toBe("30");
      return Math.min(seen.first ?? 0, seen.second ?? 0);
    };
    await expect.poll(both).toBeGreaterThan(0); // connected to both
    seen.first = seen.second = 0;
    await both();
    expect(Math.min(seen.first ?? 0, seen.second ?? 0)).toBeGreaterThan(8);
    seen.first = seen.second = 0;
    expect(await calls('{ policy = "pick_first" }')).toBe("30");
    expect(seen).toEqual({ first: 30, second: 0 });
    await second.close();
    const before = (await server.stats()).connections;
    const connected = async () => {
      await lua.run(`
        local conn = connect("${server.address}", { connections = 4, idle_timeout = 0.5 })
        for _ = 1, 12 do assert(conn:unary("${ECHO}", {})) end`);
      return (await server.stats()).connections;
    };
    await expect.poll(connected).toBe(before + 4);
    await expect.poll(() => server.stats(), SOON).toMatchObject({ connections: before });
  });
});

describe("files", () => {
  const IMPORTED = 'syntax = "proto3"; package lib; message Item { string name = 1; }';
  const call = (chunk: string) =>
    lua.run(`${chunk} return show(connect("${raw.address}"):unary(path, { item = { name = "n" } }))`);
  const service = (name: string, imports: string) => `syntax = "proto3"; package ${name};
    /* import "not/there.proto"; */
    import "${imports}";
    message Box { lib.Item item = 1; }
    service S { rpc M (Box) returns (Box); }`;
  beforeAll(() => {
    answer = ({ message }) => ({ messages: [message] });
  });

  it("are searched for imports beside the file, and in the folders of include", async () => {
    answer = ({ message }) => ({ messages: [message] });
    write("lib/item.proto", IMPORTED);
    const beside = write("beside.proto", service("beside", "lib/item.proto"));
    const inner = write("deep/inner.proto", service("inner", "lib/item.proto"));
    expect(await call(`assert(grpc.loadfile("${beside}")) local path = "/beside.S/M"`)).toBe(
      'true {item={name="n"}} nil',
    );
    expect(
      await call(`assert(grpc.loadfile("${inner}", { include = { "${folder}/" } })) local path = "/inner.S/M"`),
    ).toBe('true {item={name="n"}} nil');
    const text = service("texts", "by_name.proto");
    expect(
      await call(`assert(grpc.load([==[${IMPORTED}]==], "by_name.proto")) assert(grpc.load([==[${text}]==], "texts.proto"))
                  local path = "/texts.S/M"`),
    ).toBe('true {item={name="n"}} nil');
    write("under/found.proto", service("found", "lib/item.proto"));
    expect(
      await call(`assert(grpc.loadfile("found.proto", { include = { "${folder}", "${folder}/under" } }))
                  local path = "/found.S/M"`),
    ).toBe('true {item={name="n"}} nil');
  });

  it("may have the same name in different folders", async () => {
    const one = write("one/service.proto", service("one", "lib/item.proto"));
    const two = write("two/service.proto", service("two", "lib/item.proto"));
    const include = `{ include = { "${folder}/one", "${folder}" } }`;
    const other = `{ include = { "${folder}/two", "${folder}" } }`;
    expect(
      await call(
        `assert(grpc.loadfile("${one}", ${include})) assert(grpc.loadfile("${two}", ${other})) local path = "/two.S/M"`,
      ),
    ).toBe('true {item={name="n"}} nil');
    expect(await call('local path = "/one.S/M"')).toBe('true {item={name="n"}} nil');
  });

  it("may be descriptor sets", async () => {
    const set = await run(`
      local ok, stream = connect("${server.address}"):new_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
      stream:send({ file_containing_symbol = "helloworld.Greeter" })
      local ok, res = stream:recv()
      stream:close()
      return ngx.encode_base64(res.file_descriptor_response.file_descriptor_proto[1])`);
    const file = Buffer.from(set, "base64");
    const length = Buffer.from(file.length < 128 ? [file.length] : [(file.length & 127) | 128, file.length >> 7]);
    const path = write("hello.protoset", Buffer.concat([Buffer.from([10]), length, file]));
    const other = await startGrpcLua();
    try {
      expect(
        await other.run(`
          assert(grpc.loadfile("${path}"))
          local conn = connect("${server.address}", { reflection = false })
          return show(conn:unary("${HELLO}", { name = "set" }))`),
      ).toBe('true {message="Hello set"} nil');
      write("broken.pb", "no such thing");
      expect(
        await other.run(`
          assert(grpc.loadfile("${folder}/broken.pb"))
          return select(3, connect("${server.address}", { reflection = false }):unary("/a.B/C", {}))`),
      ).toBe(`cannot use ${folder}/broken.pb: it is not a descriptor set`);
    } finally {
      await other.stop();
    }
  });

  it("that are wrong are told with the line, and harm no other", async () => {
    const bad = write("bad.proto", 'syntax = "proto3";\n\nmessage M {\n  strin name = 1;\n}\n');
    const lost = write("lost.proto", 'syntax = "proto3";\nimport "gone.proto";\n');
    const torn = write("torn.proto", 'syntax = "proto3";\nmessage {\n');
    const other = await startGrpcLua();
    const wrong = (path: string) =>
      other.run(`
        package.loaded["resty.ffi.grpc.files"], package.loaded["resty.ffi.grpc"] = nil, nil
        local grpc = require "resty.ffi.grpc"
        assert(grpc.loadfile("${path}"))
        assert(grpc.loadfile(P .. "helloworld.proto"))
        local _, conn = grpc.connect("${server.address}", { reflection = false })
        return show((conn:unary("${HELLO}", { name = "x" }))), select(2, conn:unary("/x.Y/Z", {}))`);
    try {
      expect(await wrong(bad)).toBe(`true|-10|cannot use ${bad}: bad.proto:4:3: name 'strin' is not defined`);
      expect(await wrong(lost)).toBe(`true|-10|cannot use ${lost}: lost.proto:2:1: import 'gone.proto' not found`);
      expect(await wrong(torn)).toMatch(new RegExp(`^true\\|-10\\|cannot use ${torn}: torn.proto:2:9: expected`));
    } finally {
      await other.stop();
    }
    expect(await lua.run(`return grpc.loadfile("/no/such.proto")`)).toBe(
      "nil|cannot load /no/such.proto: No such file or directory",
    );
    expect(await lua.run("return grpc.loadfile(7)")).toBe(
      "nil|the path must be a string that is not empty, not a number",
    );
    expect(await lua.run(`return grpc.loadfile("${folder}")`)).toMatch(/^nil\|cannot load /);
    expect(await lua.run(`return grpc.loadfile("a", { includes = {} })`)).toBe(
      'nil|there is no option "includes"; the options are: include',
    );
    expect(await lua.run("return grpc.load()")).toBe("nil|what is loaded must be a string, not a nil");
  });

  it("that are not loaded are asked of the server", async () => {
    const other = await startGrpcLua();
    try {
      const call = (options: string) =>
        other.run(`return show(connect("${server.address}", ${options}):unary("${ECHO}", { message = "m" }))`);
      expect(await call("{}")).toBe('true {message="m"} nil');
      expect(await call("{ reflection = false }")).toBe(
        'false -10 "no loaded file has the service \\"grpc.examples.echo.Echo\\" (loaded: none)"',
      );
      expect(await other.run(`return select(3, connect("${server.address}"):unary("/a.B/C", {}))`)).toBe(
        'no loaded file has the service "a.B" (loaded: none), and the server does not know it either',
      );
      expect(
        await other.run(`return select(3, connect("${server.address}"):unary("/helloworld.Greeter/No", {}))`),
      ).toBe('helloworld.Greeter has no method "No"; the server says that its methods are: SayHello');
      answer = ({ path }) => (path.includes("reflection") ? { status: 12, text: "no" } : { messages: [] });
      expect(await other.run(`return select(3, connect("${raw.address}"):unary("/a.B/C", {}))`)).toBe(
        'no loaded file has the service "a.B" (loaded: none), and the server has no reflection to ask',
      );
    } finally {
      await other.stop();
    }
  });
});

describe("reflection", () => {
  it("is v1alpha where there is no v1, and asked again when the method has gone", async () => {
    // message M { string a = 1; } service S { rpc Old (M) returns (M); rpc New … }, as descriptors.
    const str = (tag: number, text: Buffer | string) =>
      Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)]);
    const method = (name: string) => str(0x12, Buffer.concat([str(0x0a, name), str(0x12, ".r.M"), str(0x1a, ".r.M")]));
    const field = Buffer.concat([str(0x0a, "a"), Buffer.from([0x18, 1, 0x20, 1, 0x28, 9])]);
    const file = (name: string) =>
      Buffer.concat([
        str(0x0a, "r.proto"),
        str(0x12, "r"),
        str(0x22, Buffer.concat([str(0x0a, "M"), str(0x12, field)])),
        str(0x32, Buffer.concat([str(0x0a, "S"), method(name)])),
        str(0x62, "proto3"),
      ]);
    let [name, asked] = ["Old", 0];
    answer = ({ path, message }) => {
      if (path.includes("reflection.v1.")) return { status: 12 };
      if (path.includes("reflection.v1alpha.")) {
        asked++;
        return { messages: [str(0x22, str(0x0a, file(name)))] };
      }
      return path === `/r.S/${name}` ? { messages: [message] } : { status: 12, text: `unknown method ${path}` };
    };
    const call = (path: string) =>
      lua.run(`return show(connect("${raw.address}", { metadata = { x = "r" } }):unary("${path}", { a = "b" }))`);
    expect(await call("/r.S/Old")).toBe('true {a="b"} nil');
    expect(await call("/r.S/Old")).toBe('true {a="b"} nil');
    expect(asked).toBe(1);
    name = "New";
    expect(await call("/r.S/Old")).toMatch(/^false -10 "r.S has no method \\"Old\\"; .*: New"$/);
    expect(await call("/r.S/New")).toBe('true {a="b"} nil');
    expect(asked).toBe(2);
  });

  it("lists the services, and the health of one can be asked", async () => {
    expect(await run("return show(conn:services())")).toContain('"grpc.health.v1.Health"');
    expect(await run("return show(conn:services({ timeout = 1 }))")).toContain('"helloworld.Greeter"');
    expect(await run("return show(conn:services({ x = 1 }))")).toMatch(/^false -10/);
    expect(await run("return show(conn:health())")).toBe('true "SERVING" nil');
    expect(await run('return show(conn:health("no", { timeout = 1 }))')).toBe('false 5 "unknown service"');
  });
});
