import { accepts } from "./answers.ts";
import { built, portsFor, scratchFolder } from "./place.ts";
import { type Service, startService } from "./service.ts";

/**
 * Starts kfake, which speaks Kafka's protocol without a JVM. It creates topics on first use; a kill loses these topics,
 * but not topics that were created by an explicit request.
 */
export async function startFakeKafka(options: { port?: number } = {}): Promise<Service> {
  const [port = 0] = await portsFor(1, options.port);
  const folder = scratchFolder("fake-kafka");
  return startService({
    name: "kfake",
    folder,
    address: `127.0.0.1:${port}`,
    command: [built("fake-kafka"), "-port", String(port), "-data", `${folder}/data`],
    ready: () => accepts(port),
  });
}
