/** A file's descriptor, as bytes. */
export interface File {
  name: string;
  bytes: Buffer;
}

const varint = (number: number): number[] =>
  number < 128 ? [number] : [(number & 127) | 128, ...varint(Math.floor(number / 128))];
const text = (number: number, content: Buffer | string) => {
  const bytes = Buffer.from(content as string);
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
};
const int = (number: number, value: number) => Buffer.from([...varint(number * 8), ...varint(value)]);

const field = ([name, type]: [string, string], index: number) =>
  text(
    2,
    Buffer.concat([
      ...[text(1, name), int(3, index + 1), int(4, 1)],
      ...(type === "string" ? [int(5, 9)] : [int(5, 11), text(6, type)]),
    ]),
  );

/** Messages with their fields, whose types are `string` or `.full.Name`, and services with the one message of each method. */
export function file(
  name: string,
  packageName: string,
  imports: string[],
  messages: Record<string, Record<string, string>>,
  services: Record<string, Record<string, string>>,
): File {
  const method = ([method, message]: [string, string]) =>
    text(2, Buffer.concat([text(1, method), text(2, message), text(3, message)]));
  const parts = [
    ...[text(1, name), text(2, packageName), ...imports.map((item) => text(3, item))],
    ...Object.entries(messages).map(([message, fields]) =>
      text(4, Buffer.concat([text(1, message), ...Object.entries(fields).map(field)])),
    ),
    ...Object.entries(services).map(([service, methods]) =>
      text(6, Buffer.concat([text(1, service), ...Object.entries(methods).map(method)])),
    ),
    text(12, "proto3"),
  ];
  return { name, bytes: Buffer.concat(parts) };
}

/** The files of a descriptor set. */
export function filesOf(set: Buffer): File[] {
  const files: File[] = [];
  const part = (bytes: Buffer, at: number) => {
    let [length, shift, start] = [0, 0, at + 1];
    for (; ; start++, shift += 7) {
      length += ((bytes[start] as number) & 127) * 2 ** shift;
      if ((bytes[start] as number) < 128) break;
    }
    return { content: bytes.subarray(start + 1, start + 1 + length), end: start + 1 + length };
  };
  for (let at = 0; at < set.length; ) {
    const { content, end } = part(set, at);
    // protoc writes the name first.
    files.push({ name: part(content, 0).content.toString(), bytes: content });
    at = end;
  }
  return files;
}

/** What a request of the reflection service asks for. */
export function asked(message: Buffer): { file?: string; symbol?: string; extension?: string } {
  const question: { file?: string; symbol?: string; extension?: string } = {};
  for (let at = 0; at < message.length; ) {
    const number = (message[at] as number) >> 3;
    const length = message[at + 1] as number;
    const content = message.subarray(at + 2, at + 2 + length);
    if (number === 3) question.file = content.toString();
    if (number === 4) question.symbol = content.toString();
    // The type, and after it the number of a field.
    if (number === 5) question.extension = content.subarray(2, 2 + (content[1] as number)).toString();
    at += 2 + length;
  }
  return question;
}

/** The answer with these files. */
export const answered = (files: File[]): Buffer => text(4, Buffer.concat(files.map((item) => text(1, item.bytes))));

/** The answer that the symbol is not known. */
export const refused = (code: number, why: string): Buffer => text(7, Buffer.concat([int(1, code), text(2, why)]));
