import { fileURLToPath } from "node:url";
import { loadSync, type MethodDefinition, type ServiceDefinition } from "@grpc/proto-loader";

/** One method of a service: its path, and how its messages become bytes and objects. */
export type Rpc = MethodDefinition<object, object>;

const definition = loadSync(["echo.proto", "helloworld.proto", "route_guide.proto"], {
  includeDirs: [fileURLToPath(new URL("../protos", import.meta.url))],
  // protobuf's JSON, with the names of the .proto files and all fields.
  keepCase: true,
  defaults: true,
  longs: String,
  enums: String,
  bytes: String,
});

/** The method of a service of `protos/`. */
export function rpc(service: string, method: string): Rpc {
  const found = (definition[service] as ServiceDefinition | undefined)?.[method];
  if (!found) throw new Error(`There is no ${service}/${method} in the .proto files.`);
  return found;
}
