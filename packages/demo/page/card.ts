import type { Counts } from "./metrics.ts";
import { plot } from "./plot.ts";

/** What `/languages` says of one language. */
export interface Language {
  name: string;
  error?: string;
  /** Its name in /metrics. */
  runtime?: string;
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
  <dl class="figures">
    <div><dt>calls/s</dt><dd class="rate">–</dd></div>
    <div><dt>p50</dt><dd class="p50">–</dd></div>
    <div><dt>p99</dt><dd class="p99">–</dd></div>
  </dl>
  <svg role="img"></svg>
  <dl class="counts">
    <div><dt>calls</dt><dd class="calls">–</dd></div>
    <div><dt>errors</dt><dd class="errors">–</dd></div>
    <div><dt>in flight</dt><dd class="in-flight">–</dd></div>
    <div><dt>queued</dt><dd class="queued">–</dd></div>
    <div><dt>bytes in</dt><dd class="bytes-in">–</dd></div>
    <div><dt>bytes out</dt><dd class="bytes-out">–</dd></div>
    <div><dt>restarts</dt><dd class="restarts">–</dd></div>
    <div><dt>reloads</dt><dd class="reloads">–</dd></div>
  </dl>
  <p class="error" hidden></p>`;

function time(us: number): string {
  if (us < 100) return `${us.toFixed(1)} µs`;
  return us < 1000 ? `${us.toFixed(0)} µs` : `${(us / 1000).toFixed(1)} ms`;
}

/** Short: 950, 1.2K, 34.5M. */
function count(value: number): string {
  return value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

function size(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024;
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${UNITS[unit]}`;
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

  counted(c: Counts): void {
    this.set("calls", count(c.calls));
    this.set("errors", count(c.errors));
    this.set("in-flight", count(c.inFlight));
    this.set("queued", count(c.queued));
    this.set("bytes-in", size(c.bytesIn));
    this.set("bytes-out", size(c.bytesOut));
    this.set("restarts", count(c.restarts));
    this.set("reloads", count(c.reloads));
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
