import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ends, endsWith, startEnds } from "./support/grpc_ends.ts";

let to: Ends;

beforeAll(async () => {
  to = await startEnds();
});
afterAll(() => to?.stop());

/** A field of protobuf: a number, or what has a length. */
function field(number: number, value: number | string | Buffer): Buffer {
  if (typeof value === "number") return Buffer.from([number << 3, value]);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

const message = (...fields: Buffer[]) => Buffer.concat(fields);
const any = (name: string, ...fields: Buffer[]) =>
  field(3, message(field(1, `type.googleapis.com/${name}`), field(2, message(...fields))));

/** What `with_metadata` gives of an error with these bytes for its details. */
async function details(status: Buffer, path = "/grpc.examples.echo.Echo/UnaryEcho", before = ""): Promise<string> {
  const text = status.toString("base64");
  to.server.answer = endsWith(["grpc-status", "3"], ["grpc-message", "bad"], ["grpc-status-details-bin", text]);
  return to.run(`
    ${before}
    local conn = connect("${to.server.address}")
    local ok, code, err, meta = conn:unary("${path}", {}, { with_metadata = true })
    assert(not ok and code == 3 and err == "bad")
    return show(meta.details)`);
}

const pair = (key: string, value: string) => message(field(1, key), field(2, value));

describe("the details of an error", () => {
  it.each<[string, Buffer, string]>([
    [
      "ErrorInfo",
      message(field(1, "QUOTA"), field(2, "a.test"), field(3, pair("zone", "b"))),
      'domain="a.test",metadata={zone="b"},reason="QUOTA"',
    ],
    ["RetryInfo", field(1, message(field(1, 1), field(2, 100))), 'retry_delay="1.000000100s"'],
    [
      "DebugInfo",
      message(field(1, "main"), field(1, "run"), field(2, "it broke")),
      'detail="it broke",stack_entries={"main","run"}',
    ],
    [
      "QuotaFailure",
      field(
        1,
        message(
          field(1, "ip"),
          field(2, "too many"),
          field(3, "api"),
          field(4, "m"),
          field(5, "id"),
          field(6, pair("k", "v")),
          field(7, 9),
          field(8, 0),
        ),
      ),
      'violations={{api_service="api",description="too many",future_quota_value=0,quota_dimensions={k="v"},quota_id="id",quota_metric="m",quota_value=9,subject="ip"}}',
    ],
    [
      "PreconditionFailure",
      field(1, message(field(1, "TOS"), field(2, "a"), field(3, "accept"))),
      'violations={{description="accept",subject="a",type="TOS"}}',
    ],
    [
      "BadRequest",
      field(
        1,
        message(
          field(1, "name"),
          field(2, "is empty"),
          field(3, "EMPTY"),
          field(4, message(field(1, "de"), field(2, "leer"))),
        ),
      ),
      'field_violations={{description="is empty",field="name",localized_message={locale="de",message="leer"},reason="EMPTY"}}',
    ],
    ["RequestInfo", message(field(1, "r1"), field(2, "x")), 'request_id="r1",serving_data="x"'],
    [
      "ResourceInfo",
      message(field(1, "book"), field(2, "b1"), field(3, "me"), field(4, "gone")),
      'description="gone",owner="me",resource_name="b1",resource_type="book"',
    ],
    [
      "Help",
      field(1, message(field(1, "read"), field(2, "http://a.test"))),
      'links={{description="read",url="http://a.test"}}',
    ],
    ["LocalizedMessage", message(field(1, "en"), field(2, "no")), 'locale="en",message="no"'],
  ])("are tables: %s", async (name, bytes, shown) => {
    const status = message(field(1, 3), field(2, "bad"), any(`google.rpc.${name}`, bytes));
    expect(await details(status)).toBe(`{{@type="type.googleapis.com/google.rpc.${name}",${shown}}}`);
  });

  it("are as many as there are, in their order; what cannot be read is bytes", async () => {
    const status = message(
      any("a.Unknown", Buffer.from([0, 255])),
      any("google.rpc.RetryInfo", Buffer.from([0x0b])),
      any("google.rpc.LocalizedMessage", field(1, "en")),
    );
    expect(await details(status)).toBe(
      '{{@type="type.googleapis.com/a.Unknown",value="\\0\\255"},' +
        '{@type="type.googleapis.com/google.rpc.RetryInfo",value="\\11"},' +
        '{@type="type.googleapis.com/google.rpc.LocalizedMessage",locale="en",message=""}}',
    );
  });

  it("are absent, or bytes, where the server sends no google.rpc.Status", async () => {
    expect(await details(Buffer.alloc(0))).toBe("{}");
    expect(await details(Buffer.from("\u00ffnone", "latin1"))).toBe('"\\255none"');
  });

  it("are of the types of the loaded files before those that are built in", async () => {
    const load = `assert(grpc.load([[
      syntax = "proto3";
      package google.rpc;
      message Help { string own = 9; }
      message Mine { bytes why = 1; }
      service Own { rpc Do(Mine) returns (Mine); }
    ]], "own.proto"))`;
    const status = message(
      any("google.rpc.Help", field(9, "mine")),
      any("google.rpc.Mine", field(1, "w")),
      any("google.rpc.RequestInfo"),
    );
    expect(await details(status, "/google.rpc.Own/Do", load)).toBe(
      '{{@type="type.googleapis.com/google.rpc.Help",own="mine"},' +
        '{@type="type.googleapis.com/google.rpc.Mine",why="w"},' +
        '{@type="type.googleapis.com/google.rpc.RequestInfo",request_id="",serving_data=""}}',
    );
  });

  it("are of types of any file that is loaded", async () => {
    const load = `assert(grpc.load('syntax = "proto3"; package a; message Elsewhere { string why = 1; }', "elsewhere.proto"))`;
    const status = any("a.Elsewhere", field(1, "w"));
    expect(await details(status, undefined, load)).toBe('{{@type="type.googleapis.com/a.Elsewhere",why="w"}}');
  });

  it("come with the end of a stream", async () => {
    const status = message(any("google.rpc.LocalizedMessage", field(1, "en"), field(2, "no")));
    to.server.answer = endsWith(
      ["grpc-status", "3"],
      ["grpc-status-details-bin", status.toString("base64").replaceAll("=", "")],
    );
    const shown = await to.run(`
      local ok, stream = connect("${to.server.address}"):new_stream("/grpc.examples.echo.Echo/ServerStreamingEcho", { with_metadata = true })
      stream:send({})
      stream:close_send()
      assert(stream:recv())
      local ok, code, err, meta = stream:recv()
      return ok, code, meta.details[1].message`);
    expect(shown).toBe("false|3|no");
  });
});
