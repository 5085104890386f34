/** A command of a README, and the lines that it is said to print. */
export interface Step {
  command: string;
  /** nginx, which goes on while the next commands run. */
  background: boolean;
  expected: string[];
}

const SHELL_BLOCK = /^```sh\n(.*?)^```$/gms;
const NGINX = /^(\w+=\S*\s+)*nginx\s/;

/** The commands of the ```sh blocks, in their order. */
export function stepsOf(markdown: string): Step[] {
  return [...markdown.matchAll(SHELL_BLOCK)].flatMap(([, block = ""]) => stepsOfBlock(block));
}

function stepsOfBlock(block: string): Step[] {
  const steps: Step[] = [];
  let open = "";
  for (const line of block.split("\n")) {
    if (open === "" && line.startsWith("#")) {
      const last = steps.at(-1);
      if (!last || !asksNginx(last)) throw new Error(`What prints this? ${line}`);
      last.expected.push(line.replace(/^# ?/, ""));
      continue;
    }
    open += open === "" ? line : `\n${line}`;
    if (open.trim() === "" || continues(open)) continue;
    steps.push({ command: open, background: NGINX.test(open), expected: [] });
    open = "";
  }
  if (open.trim() !== "") throw new Error(`This command does not end: ${open}`);
  return steps;
}

/** Whether it is a curl line, which may get what it sends from a pipe. */
export function asksNginx({ command }: Step): boolean {
  return /(^|\| *)curl /.test(command);
}

/** Whether the next line belongs to it: a backslash at its end, or a quote that is open. */
function continues(command: string): boolean {
  return command.endsWith("\\") || (command.match(/'/g)?.length ?? 0) % 2 === 1;
}

/** What is expected and not in the output: `…` stands for anything, and lines come in their order. */
export function missingLine(expected: readonly string[], output: string): string | undefined {
  const lines = output.split("\n");
  let at = 0;
  for (const line of expected) {
    const pattern = new RegExp(`^${line.split("…").map(escaped).join(".*")}$`);
    while (at < lines.length && !pattern.test(lines[at]?.trimEnd() ?? "")) at++;
    if (at++ >= lines.length) return line;
  }
  return undefined;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}
