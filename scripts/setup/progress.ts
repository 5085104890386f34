const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Without a terminal, a long step prints a line this often. */
const QUIET_MS = 10_000;

/** One step of the set-up as the user sees it. */
export interface Step {
  /** Shows what the step is doing now. */
  detail(text: string): void;
  done(text?: string): void;
  failed(text: string): void;
}

interface Screen {
  isTTY?: boolean;
  columns?: number;
  write(text: string): unknown;
}

/** Shows a step: a spinner with the time elapsed on a terminal, plain lines elsewhere. */
export function step(title: string, screen: Screen = process.stderr): Step {
  const started = performance.now();
  const elapsed = (): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
  let detail = "";
  let frame = 0;

  const draw = (): void => {
    const text = `${FRAMES[frame++ % FRAMES.length]} ${title} (${elapsed()})${detail && `: ${detail}`}`;
    screen.write(`\r\u001b[K${text.slice(0, (screen.columns ?? 80) - 1)}`);
  };
  const tell = (): void => {
    screen.write(`  … ${elapsed()}${detail && `: ${detail}`}\n`);
  };
  const end = (mark: string, text: string): void => {
    clearInterval(timer);
    screen.write(`${screen.isTTY ? "\r\u001b[K" : ""}${mark} ${text} (${elapsed()})\n`);
  };

  if (!screen.isTTY) screen.write(`- ${title}\n`);
  const timer = screen.isTTY ? setInterval(draw, 100) : setInterval(tell, QUIET_MS);
  timer.unref();
  return {
    detail: (text) => {
      detail = text;
    },
    done: (text = title) => end("✔", text),
    failed: (text) => end("✖", text),
  };
}
