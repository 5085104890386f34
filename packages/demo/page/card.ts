import { plot } from "./plot.ts";

/** What `/languages` says of one language. */
export interface Language {
  name: string;
  error?: string;
  transport?: string;
  /** What its `lang` method answered: JSON. */
  about?: string;
}

/** What `/measure/{language}` answers. */
export interface Measurement {
  calls: number;
  calls_per_s: number;
  p50_us: number;
  p99_us: number;
  histogram: number[];
  per_octave: number;
}

const TITLES: Record<string, string> = { go: "Go", rust: "Rust", python: "Python", java: "Java", node: "Node.js" };

const TEMPLATE = `
  <div class="who">
    <h2></h2>
    <p class="version"></p>
    <p class="where"><span class="transport"></span> <span class="pid"></span></p>
  </div>
  <div class="answer">
    <p class="said"></p>
    <p class="took"></p>
  </div>
  <dl>
    <div><dt>calls/s</dt><dd class="rate">–</dd></div>
    <div><dt>p50</dt><dd class="p50">–</dd></div>
    <div><dt>p99</dt><dd class="p99">–</dd></div>
  </dl>
  <svg role="img"></svg>
  <p class="error" hidden></p>`;

function time(us: number): string {
  if (us < 100) return `${us.toFixed(1)} µs`;
  return us < 1000 ? `${us.toFixed(0)} µs` : `${(us / 1000).toFixed(1)} ms`;
}

/** One language on the page. */
export class Card {
  readonly element = document.createElement("article");
  private readonly title: string;

  constructor(readonly language: Language) {
    const { name, transport = "", about = "{}", error } = language;
    this.title = TITLES[name] ?? name;
    this.element.className = "card";
    this.element.id = name;
    this.element.innerHTML = TEMPLATE;
    this.find("h2").textContent = this.title;
    const { version = "", pid } = JSON.parse(about) as { version?: string; pid?: number };
    this.set("version", version);
    this.set("transport", transport);
    this.set("pid", pid ? `pid ${pid}` : "");
    if (error) this.fail(error);
  }

  private find(selector: string): HTMLElement {
    const found = this.element.querySelector<HTMLElement>(selector);
    if (!found) throw new Error(`${selector} is missing`);
    return found;
  }

  private set(className: string, text: string): void {
    this.find(`.${className}`).textContent = text;
  }

  /** Shows what is wrong; nothing is, if `message` is empty. */
  fail(message: string): void {
    this.set("error", message);
    this.find(".error").hidden = message === "";
  }

  answered(text: string, us: number): void {
    this.fail("");
    this.set("said", text);
    this.set("took", `answered in ${time(us)}`);
  }

  measured(m: Measurement): void {
    this.fail("");
    this.set("rate", Math.round(m.calls_per_s).toLocaleString("en"));
    this.set("p50", time(m.p50_us));
    this.set("p99", time(m.p99_us));
    this.draw(m);
  }

  /** The axis alone if nothing has been measured yet. */
  draw(m?: Measurement): void {
    const svg = this.element.querySelector("svg");
    if (!svg) return;
    svg.setAttribute(
      "aria-label",
      m
        ? `${this.title}: half of the calls took up to ${time(m.p50_us)}, 99 % up to ${time(m.p99_us)}`
        : `${this.title}: latencies, not measured yet`,
    );
    plot(
      svg,
      { counts: m?.histogram ?? [], perOctave: m?.per_octave ?? 1 },
      m
        ? [
            { us: m.p50_us, label: "p50" },
            { us: m.p99_us, label: "p99" },
          ]
        : [],
    );
  }
}
