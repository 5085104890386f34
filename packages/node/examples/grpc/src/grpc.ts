import { Client } from "@grpc/grpc-js";
import { createRuntime, type Runtime } from "@resty-ffi/node";
import { credentialsOf, optionsOf, readConfig } from "./config.js";
import { EchoRequest, HelloRequest, Point, Rectangle, RouteNote } from "./messages.js";
import { bidiStream, clientStream, serverStream, unary } from "./rpc.js";
import { rpc } from "./services.js";

/** ngx.load_ffi("ffi_nodejs", '/path/to/dist/grpc.js,app,{"address":"127.0.0.1:50051"}') */
export function app(text: string | null): Runtime {
  const config = readConfig(text);
  // Connects when the first call comes, and again whenever the connection is lost.
  const client = new Client(config.address, credentialsOf(config), optionsOf(config));

  const greeter = (method: string) => rpc("helloworld.Greeter", method);
  const guide = (method: string) => rpc("routeguide.RouteGuide", method);
  const echo = (method: string) => rpc("grpc.examples.echo.Echo", method);

  return createRuntime()
    .method("say_hello", unary(client, greeter("SayHello"), HelloRequest))
    .method("get_feature", unary(client, guide("GetFeature"), Point))
    .stream("list_features", serverStream(client, guide("ListFeatures"), Rectangle))
    .stream("record_route", clientStream(client, guide("RecordRoute"), Point))
    .stream("route_chat", bidiStream(client, guide("RouteChat"), RouteNote))
    .method("unary_echo", unary(client, echo("UnaryEcho"), EchoRequest))
    .stream("echo_stream", bidiStream(client, echo("BidirectionalStreamingEcho"), EchoRequest))
    .onUnload(() => client.close());
}
