import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { lua } from "@resty-ffi/nginx";
import { ROOT } from "@resty-ffi/scripts/environment";
import type { Paths } from "@resty-ffi/scripts/paths";
import type { Cell, Sample } from "./cell.ts";
import { nginxCell } from "./nginx_cell.ts";
import { pinnedCommand } from "./pinning.ts";
import type { ServerName, Servers } from "./servers.ts";

const run = promisify(execFile);

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const TOPIC = "bench";
const FILLED = "filled";
/** More than a consumer takes in one measurement. */
const RECORDS = 2_000_000;
const BYTES = 64;
const PATIENCE_MS = 60_000;

/** One operation of a service, by Lua and by the native client. */
interface Comparison {
  name: string;
  service: ServerName;
  /** The Lua expression, as in lua/what.lua. */
  expression: (address: string) => string;
  native: (address: string, inFlight: number, seconds: number) => string[];
  takes: (inFlight: number) => boolean;
}

const flags = (address: string, inFlight: number, seconds: number) =>
  ["-address", address, "-in-flight", inFlight, "-seconds", seconds, "-bytes", BYTES].map(String);

const COMPARISONS: Comparison[] = [
  {
    name: "grpc-unary",
    service: "grpc",
    expression: (address) => `what.grpc(${lua(address)})`,
    native: (address, inFlight, seconds) => [
      join(ROOT, "runtimes/rust/dist/grpc-native"),
      ...[address, inFlight, seconds, BYTES].map(String),
    ],
    takes: () => true,
  },
  {
    name: "etcd-get",
    service: "etcd",
    expression: (address) => `what.etcd(${lua(address)})`,
    native: (...args) => [join(DIST, "etcd"), ...flags(...args)],
    takes: () => true,
  },
  {
    name: "kafka-produce",
    service: "kafka",
    expression: (address) => `what.kafka_produce(${lua(address)}, ${lua(TOPIC)})`,
    native: (...args) => [join(DIST, "kafka"), "-topic", TOPIC, ...flags(...args)],
    takes: () => true,
  },
  {
    name: "kafka-consume",
    service: "kafka",
    expression: (address) => `what.kafka_consume(${lua(address)}, ${lua(FILLED)})`,
    native: (...args) => [join(DIST, "kafka"), "-consume", "-topic", FILLED, ...flags(...args)],
    takes: (inFlight) => inFlight === 1,
  },
];

/** The native client. Each measurement starts a new process. */
function nativeCell({ name, native, takes }: Comparison, address: string): Cell {
  let prefix: string[] = [];
  return {
    what: `${name}/native`,
    host: "native",
    takes: (bytes, inFlight) => bytes === BYTES && takes(inFlight),
    pin: (pinned) => {
      prefix = pinnedCommand(pinned);
    },
    rssMb: () => 0,
    stop: async () => {},
    measure: async (_bytes, inFlight, seconds) => {
      const [program = "", ...args] = [...prefix, ...native(address, inFlight, seconds)];
      const { stdout } = await run(program, args, { timeout: seconds * 1000 + PATIENCE_MS });
      return JSON.parse(stdout) as Sample;
    },
  };
}

/** The arguments of {@link startServiceCells}. */
export interface WantedServices {
  paths: Paths;
  servers: Servers;
  progress: (text: string) => void;
  wanted: (what: string) => boolean;
}

/** Starts the cells that use real servers: for each operation one by Lua and one by the native client. */
export async function startServiceCells({ paths, servers, progress, wanted }: WantedServices): Promise<Cell[]> {
  const cells: Cell[] = [];
  const env = { LD_LIBRARY_PATH: paths.clients.join(":") };
  try {
    for (const comparison of COMPARISONS.filter(({ name }) => wanted(`${name}/nginx`))) {
      const { name, service, expression, takes } = comparison;
      progress(name);
      const { address } = await servers.get(service);
      if (name === "kafka-consume") {
        await run(join(DIST, "kafka"), ["-fill", String(RECORDS), "-topic", FILLED, ...flags(address, 1, 1)]);
      }
      const what = `${name}/nginx`;
      const cell = await nginxCell({ what, expression: expression(address), luaPath: paths.lua, env });
      cells.push(nativeCell(comparison, address), {
        ...cell,
        takes: (bytes, inFlight) => bytes === BYTES && takes(inFlight),
      });
    }
    return cells;
  } catch (error) {
    await Promise.all(cells.map((cell) => cell.stop()));
    throw error;
  }
}
