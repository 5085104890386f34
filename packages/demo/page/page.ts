import { ask, explain } from "./ask.ts";
import { Card, type Language, type Measurement } from "./card.ts";
import { element } from "./element.ts";
import { countsOf } from "./metrics.ts";

const SLICE_MS = 150;
const PAUSE_MS = 40;
const RETRY_MS = 1000;
const COUNT_MS = 1000;

const text = element<HTMLInputElement>("text");
const inFlight = element<HTMLSelectElement>("in-flight");
const bytes = element<HTMLSelectElement>("bytes");
const button = element<HTMLButtonElement>("load");
const status = element("status");
const problem = element("problem");
const cards = element("cards");

let load = true;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function say(message: string): void {
  problem.textContent = message;
  problem.hidden = message === "";
}

/** Whether the text came back unchanged. */
async function echo(card: Card, sent: string): Promise<boolean> {
  try {
    const answer = await ask(`/echo/${card.language.name}`, { method: "POST", body: sent });
    const said = await answer.text();
    if (text.value === sent) card.answered(said, Number(answer.headers.get("X-Microseconds")));
    return said === sent;
  } catch (error) {
    card.fail(explain(error));
    return false;
  }
}

async function echoAll(all: Card[]): Promise<void> {
  const sent = text.value;
  status.textContent = "";
  const same = await Promise.all(all.map((card) => echo(card, sent)));
  if (text.value === sent) status.textContent = `${same.filter(Boolean).length} of ${all.length} sent it back`;
}

/** One language after the other, so that none disturbs the other's figures. */
async function measure(all: Card[]): Promise<void> {
  for (;;) {
    for (const card of all) {
      while (!load || document.visibilityState !== "visible") await pause(PAUSE_MS);
      try {
        const query = `ms=${SLICE_MS}&in_flight=${inFlight.value}&bytes=${bytes.value}`;
        const answer = await ask(`/measure/${card.language.name}?${query}`);
        card.measured((await answer.json()) as Measurement);
        say("");
      } catch (error) {
        if (error instanceof TypeError) say(explain(error));
        else card.fail(explain(error));
        await pause(RETRY_MS);
      }
      await pause(PAUSE_MS);
    }
  }
}

/** Shows what /metrics says, again and again. */
async function follow(all: Card[]): Promise<void> {
  for (;;) {
    if (document.visibilityState === "visible") {
      try {
        const counts = countsOf(await (await ask("/metrics")).text());
        for (const card of all) {
          const own = counts.get(card.language.runtime ?? "");
          if (own) card.counted(own);
        }
      } catch (error) {
        say(explain(error));
      }
    }
    await pause(COUNT_MS);
  }
}

async function main(): Promise<void> {
  element("curl").textContent = `curl --data hello ${location.origin}/echo/go`;
  const languages = (await (await ask("/languages")).json()) as Language[];
  const all = languages.map((language) => new Card(language));
  cards.replaceChildren(...all.map((card) => card.element));
  for (const card of all) card.draw();
  const up = all.filter((card) => !card.language.error);
  text.addEventListener("input", () => void echoAll(up));
  button.addEventListener("click", () => {
    load = !load;
    button.textContent = load ? "Stop the load" : "Start the load";
    cards.classList.toggle("resting", !load);
  });
  await echoAll(up);
  if (up.length > 0) await Promise.all([measure(up), follow(up)]);
}

main().catch((error: unknown) => say(explain(error)));
