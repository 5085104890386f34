import { startGrpcLua } from "./grpc.ts";
import { startHttp2Grpc } from "./http2_grpc.ts";
import type { Settings } from "./lua.ts";

/** A server that answers with what it was sent, or with what it is told to, and an nginx that calls it. */
export interface Echo {
  /**
   * `show(...)` of the expressions in `fields`, where `res` is what comes back of a message; or code and text of what is
   * wrong with it. `instead`, in hexadecimal, is what the server answers with, then and in `run`.
   */
  call(message: string, fields: string, instead?: string): Promise<string>;
  /** What the server last got, in hexadecimal. */
  got(): string;
  /** Runs a chunk that knows `conn`. */
  run(chunk: string, instead?: string): Promise<string>;
  stop(): Promise<void>;
}

/** The method that is called is /json.Echo/Echo of `proto`. */
export async function startEcho(proto: string, settings: Settings = {}): Promise<Echo> {
  let got = Buffer.alloc(0);
  let answer: Buffer | undefined;
  const server = await startHttp2Grpc(({ message }) => {
    got = Buffer.from(message);
    return { messages: [answer ?? message] };
  });
  const lua = await startGrpcLua(settings);
  const run = (chunk: string, instead?: string) => {
    answer = instead === undefined ? undefined : Buffer.from(instead, "hex");
    return lua.run(
      `assert(grpc.load([==[${proto}]==], "json.proto")) local conn = connect("${server.address}") ${chunk}`,
    );
  };
  return {
    run,
    got: () => got.toString("hex"),
    call(message, fields, instead) {
      const chunk = `
        local ok, res, err = conn:unary("/json.Echo/Echo", ${message})
        if not ok then return res .. " " .. err end
        return show(${fields})`;
      return run(chunk, instead);
    },
    async stop() {
      await lua.stop();
      await server.close();
    },
  };
}
