import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { accepts } from "./answers.ts";
import { built, portsFor, scratchFolder } from "./place.ts";
import { type Service, START_TIMEOUT_MS, startService } from "./service.ts";

export interface KafkaOptions {
  /** The port on 127.0.0.1; a free port by default. */
  port?: number;
  /** Settings of the broker, which override those below: `{ "auto.create.topics.enable": "false" }`. */
  properties?: Record<string, string>;
  /** Adds a listener with SASL: PLAIN, SCRAM-SHA-256, or OAUTHBEARER with any unsigned token. */
  sasl?: { user: string; password: string };
  /** Adds Kerberos to the listener with SASL: the broker's principal, its keytab, and a `krb5.conf`. */
  kerberos?: { principal: string; keytab: string; config: string };
  /**
   * Adds a listener with TLS and client certificates. Paths of PEM files: the broker's key with its certificate, an
   * authority.
   */
  tls?: { keystore: string; authority: string };
}

export interface Kafka extends Service {
  /** The address of the listener with SASL. */
  readonly saslAddress: string | undefined;
  /** The address of the listener with TLS. */
  readonly tlsAddress: string | undefined;
}

const LOGGING = fileURLToPath(new URL("../kafka/log4j2.properties", import.meta.url));

/** Starts the real broker as a single node that is its own controller (KRaft). */
export async function startKafka({ port, properties, sasl, kerberos, tls }: KafkaOptions = {}): Promise<Kafka> {
  const [plain = 0, controller = 0, saslPort = 0, tlsPort = 0] = await portsFor(4, port);
  const listeners = [
    `PLAINTEXT://127.0.0.1:${plain}`,
    ...(sasl || kerberos ? [`SASL_PLAINTEXT://127.0.0.1:${saslPort}`] : []),
    ...(tls ? [`SSL://127.0.0.1:${tlsPort}`] : []),
  ];
  const folder = scratchFolder("kafka");
  const settings = {
    ...broker(folder, listeners.join(","), controller),
    ...authentication(sasl, kerberos),
    ...(tls && encryption(tls)),
    ...properties,
  };
  const file = join(folder, "server.properties");
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(file, lines.join(""), { mode: 0o600 });
  try {
    await format(file, sasl);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  const service = await startService({
    name: "Kafka",
    folder,
    address: `127.0.0.1:${plain}`,
    command: [
      ...["java", ...java(), ...(kerberos ? [`-Djava.security.krb5.conf=${kerberos.config}`] : [])],
      ...["kafka.Kafka", file],
    ],
    ready: async (log) => log.includes("Kafka Server started") && (await accepts(plain)),
  });
  return Object.assign(service, {
    saslAddress: sasl || kerberos ? `127.0.0.1:${saslPort}` : undefined,
    tlsAddress: tls && `127.0.0.1:${tlsPort}`,
  });
}

function java(): string[] {
  return [
    ...["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"],
    `-Dlog4j2.configurationFile=${LOGGING}`,
    ...["-cp", `${built("kafka")}/*`],
  ];
}

/** The settings of a small single node: one partition where a cluster has 50, and no delays for further members. */
function broker(folder: string, clients: string, controller: number) {
  return {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.quorum.voters": `1@127.0.0.1:${controller}`,
    "controller.listener.names": "CONTROLLER",
    listeners: `${clients},CONTROLLER://127.0.0.1:${controller}`,
    "advertised.listeners": clients,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL",
    "inter.broker.listener.name": "PLAINTEXT",
    "log.dirs": join(folder, "data"),
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "controller.quorum.election.timeout.ms": "100",
    "controller.quorum.election.backoff.max.ms": "100",
    // After this time a silent broker is given up. A restarted broker waits until its previous session is given up. A
    // broker that a busy machine stops for longer is given up too; then topics cannot be created.
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "200",
    "log.segment.bytes": "16777216",
    // Records are kept whatever their timestamps: otherwise old records are deleted after 30 s.
    "log.retention.ms": "-1",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "num.network.threads": "1",
    "num.io.threads": "2",
    "background.threads": "2",
  };
}

function authentication(sasl: KafkaOptions["sasl"], kerberos: KafkaOptions["kerberos"]): Record<string, string> {
  const modules = Object.entries({ ...(sasl && byPassword(sasl)), ...(kerberos && byTicket(kerberos)) });
  if (modules.length === 0) return {};
  const listener = "listener.name.sasl_plaintext";
  return {
    [`${listener}.sasl.enabled.mechanisms`]: modules.map(([name]) => name).join(","),
    [`${listener}.sasl.kerberos.service.name`]: "kafka",
    ...Object.fromEntries(
      modules.map(([name, module]) => [`${listener}.${name.toLowerCase()}.sasl.jaas.config`, `${module};`]),
    ),
  };
}

function byPassword({ user, password }: { user: string; password: string }) {
  const security = "org.apache.kafka.common.security";
  return {
    PLAIN: `${security}.plain.PlainLoginModule required user_${user}="${password}"`,
    "SCRAM-SHA-256": `${security}.scram.ScramLoginModule required`,
    OAUTHBEARER: `${security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"`,
  };
}

function byTicket({ principal, keytab }: { principal: string; keytab: string }) {
  const module = "com.sun.security.auth.module.Krb5LoginModule required";
  // The broker itself needs no ticket, so the KDC need not run.
  return {
    GSSAPI: `${module} useKeyTab=true storeKey=true isInitiator=false keyTab="${keytab}" principal="${principal}"`,
  };
}

function encryption({ keystore, authority }: { keystore: string; authority: string }) {
  const listener = "listener.name.ssl.ssl";
  return {
    [`${listener}.keystore.type`]: "PEM",
    [`${listener}.keystore.location`]: keystore,
    [`${listener}.truststore.type`]: "PEM",
    [`${listener}.truststore.location`]: authority,
    [`${listener}.client.auth`]: "required",
  };
}

/** Writes the initial metadata of the cluster, which a broker needs to start. */
async function format(file: string, sasl: KafkaOptions["sasl"]): Promise<void> {
  // The value may begin with a hyphen like an option; hence the form with `=`.
  const cluster = randomBytes(16).toString("base64url");
  const user = sasl ? ["--add-scram", `SCRAM-SHA-256=[name=${sasl.user},password=${sasl.password}]`] : [];
  const tool = ["kafka.tools.StorageTool", "format", `--cluster-id=${cluster}`, "-c", file, ...user];
  try {
    await promisify(execFile)("java", [...java(), ...tool], { timeout: START_TIMEOUT_MS, killSignal: "SIGKILL" });
  } catch (error) {
    const { stderr = "", stdout = "", message } = error as Error & { stderr?: string; stdout?: string };
    throw new Error(`Kafka's storage cannot be formatted: ${`${stdout}${stderr}`.trim() || message}`);
  }
}
