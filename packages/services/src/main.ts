// npx tsx src/main.ts etcd|kafka|fake-kafka|grpc: starts a server, prints its addresses as a line of JSON, and runs
// until its standard input ends or it is interrupted.
import { once } from "node:events";
import { type Service, startEtcd, startFakeKafka, startGrpcServer, startKafka } from "./index.ts";

const STARTS: Record<string, () => Promise<Service>> = {
  etcd: startEtcd,
  kafka: startKafka,
  "fake-kafka": startFakeKafka,
  grpc: startGrpcServer,
};

const name = process.argv[2] ?? "";
const start = Object.hasOwn(STARTS, name) ? STARTS[name] : undefined;
if (!start) {
  console.error(`Name one of ${Object.keys(STARTS).join(", ")}.`);
  process.exit(2);
}
const asked = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM"), once(process.stdin.resume(), "end")]);
const service = await start();
console.log(JSON.stringify({ ...service, address: service.address, pid: service.pid }));
await asked;
await service.stop();
process.exit(0);
