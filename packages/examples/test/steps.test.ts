import { expect, test } from "vitest";
import { missingLine, stepsOf } from "../src/readme/steps.ts";

const README = `# x in Go

\`\`\`sh
go build .
PATH=/x nginx -p "$PWD" -c nginx.conf
\`\`\`
\`\`\`lua
-- no command
\`\`\`
\`\`\`sh
curl -d '{"a":1}
{"a":2}' \\
  127.0.0.1:8080
# {"b":…}
# end
echo x | curl -d @- 127.0.0.1:8080
# x
\`\`\`
`;

test("the commands of a README, with what they print", () => {
  expect(stepsOf(README)).toEqual([
    { command: "go build .", background: false, expected: [] },
    { command: 'PATH=/x nginx -p "$PWD" -c nginx.conf', background: true, expected: [] },
    {
      command: `curl -d '{"a":1}\n{"a":2}' \\\n  127.0.0.1:8080`,
      background: false,
      expected: ['{"b":…}', "end"],
    },
    { command: "echo x | curl -d @- 127.0.0.1:8080", background: false, expected: ["x"] },
  ]);
  expect(() => stepsOf("```sh\n# a comment\n```")).toThrow(/What prints this/);
  expect(() => stepsOf("```sh\ncurl 'x\n```")).toThrow(/does not end/);
});

test("lines that must be in an output, in their order", () => {
  expect(missingLine(['{"b":…}', "end"], 'first\n{"b":{"c":1}}\nmore\nend\n')).toBeUndefined();
  expect(missingLine(["end", '{"b":…}'], '{"b":1}\nend\n')).toBe('{"b":…}');
  expect(missingLine(["a.c"], "abc\n")).toBe("a.c");
  expect(missingLine(["a"], "")).toBe("a");
});
