import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { LANGUAGES, NAMES, ROOT, sourceOf } from "../src/places.ts";
import { stepsOf } from "../src/readme/steps.ts";

const LONGEST_README = 45;
const TITLES = { go: "Go", rust: "Rust", python: "Python", java: "Java", node: "Node.js" };

describe.each(LANGUAGES)("%s", (language) => {
  const read = (name: (typeof NAMES)[number], file: string) =>
    readFileSync(join(sourceOf(language, name), file), "utf8");

  test.each(NAMES)("%s: nginx.conf is that of all languages, except for the load of the runtime", (name) => {
    const load = /^ *\w+ = assert\(ngx\.load_ffi\(.*?\)\)$|^env [^\n]*\n/gms;
    const common = (text: string) => text.replace(load, "");
    const go = readFileSync(join(sourceOf("go", name), "nginx.conf"), "utf8");
    expect(read(name, "nginx.conf")).toMatch(/ngx\.load_ffi/);
    expect(common(read(name, "nginx.conf"))).toBe(common(go));
  });

  test.each(NAMES)("%s: the README is one screen, and shows what to expect", (name) => {
    const readme = read(name, "README.md");
    expect(readme.split("\n")[0]).toBe(`# ${name} in ${TITLES[language]}`);
    expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(LONGEST_README);
    expect(stepsOf(readme).filter(({ expected }) => expected.length > 0)).not.toEqual([]);
  });

  test("the protos are the server's", () => {
    const protos = join(ROOT, "packages/services/protos");
    const names = readdirSync(protos).filter((file) => file.endsWith(".proto"));
    for (const file of names) expect(read("grpc", `protos/${file}`)).toBe(readFileSync(join(protos, file), "utf8"));
    expect(names).toHaveLength(3);
  });
});
