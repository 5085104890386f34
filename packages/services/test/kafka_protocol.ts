import { connect } from "node:net";

/** Requests of Kafka's protocol, as few as show that a broker serves: https://kafka.apache.org/protocol. */
const METADATA = { key: 3, version: 4 };
const CREATE_TOPICS = { key: 19, version: 4 };
const SASL_HANDSHAKE = { key: 17, version: 1 };
const SASL_AUTHENTICATE = { key: 36, version: 0 };

const int16 = (n: number) => Buffer.from([n >> 8, n & 255]);
const int32 = (n: number) => Buffer.from([n >>> 24, (n >> 16) & 255, (n >> 8) & 255, n & 255]);
const text = (s: string) => Buffer.concat([int16(s.length), Buffer.from(s)]);
const bytes = (s: string) => Buffer.concat([int32(s.length), Buffer.from(s)]);

function request({ key, version }: { key: number; version: number }, body: Buffer): Buffer {
  const content = Buffer.concat([int16(key), int16(version), int32(1), text("test"), body]);
  return Buffer.concat([int32(content.length), content]);
}

/** Sends requests, and reads one answer to each; an answer is without its length and correlation id. */
async function converse(address: string, requests: Buffer[]): Promise<Buffer[]> {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  const answers: Buffer[] = [];
  let received = Buffer.alloc(0);
  let next = 0;
  socket.write(requests[next++] ?? Buffer.alloc(0));
  for await (const part of socket) {
    received = Buffer.concat([received, part as Buffer]);
    for (let size = 0; received.length >= 4; received = received.subarray(4 + size)) {
      size = received.readInt32BE(0);
      if (received.length < 4 + size) break;
      answers.push(received.subarray(8, 4 + size));
      const more = requests[next++];
      if (more) socket.write(more);
      else return answers;
    }
  }
  throw new Error("The broker closed the connection.");
}

/** Creates a topic of one partition. */
export async function createTopic(address: string, topic: string): Promise<void> {
  const [partitions, replicas, assignments, configs, timeout] = [int32(1), int16(1), int32(0), int32(0), int32(5000)];
  const settings = [partitions, replicas, assignments, configs, timeout, Buffer.from([0])];
  const [answer] = await converse(address, [
    request(CREATE_TOPICS, Buffer.concat([int32(1), text(topic), ...settings])),
  ]);
  const code = answer?.readInt16BE(answer.indexOf(text(topic)) + 2 + topic.length);
  if (code !== 0) throw new Error(`The broker refuses to create the topic: ${code}.`);
}

export async function hasTopic(address: string, topic: string): Promise<boolean> {
  const question = request(METADATA, Buffer.concat([int32(1), text(topic), Buffer.from([0])]));
  const [answer = Buffer.alloc(0)] = await converse(address, [question]);
  // Its error code stands before the name.
  return answer.readInt16BE(answer.indexOf(text(topic)) - 2) === 0;
}

/** The error code of an attempt to authenticate: 0, or 58 if it was refused. */
export async function authenticate(address: string, user: string, password: string): Promise<number> {
  const [, answer] = await converse(address, [
    request(SASL_HANDSHAKE, text("PLAIN")),
    request(SASL_AUTHENTICATE, bytes(`\0${user}\0${password}`)),
  ]);
  return answer?.readInt16BE(0) ?? -1;
}
