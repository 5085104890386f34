import { ask, explain } from "./ask.ts";
import { element } from "./element.ts";

const EVENTS = 8;
const EVERY_MS = 1000;

/** What `/services/list` says of one service. */
interface Service {
  name: string;
  about: string;
  address?: string;
  error?: string;
}

/** What comes back from a service: a record, a change, a message. */
interface Event {
  text: string;
  where: string;
}

const TITLES: Record<string, string> = { kafka: "Kafka", etcd: "etcd", grpc: "gRPC" };
const ACTIONS: Record<string, string> = { kafka: "Produce", etcd: "Put", grpc: "SayHello" };
const TEXTS: Record<string, string> = { kafka: "hello", etcd: "hello", grpc: "world" };
const FEEDS: Record<string, string> = { kafka: "consumed", etcd: "watched", grpc: "received" };

const TEMPLATE = `
  <div class="who">
    <h2></h2>
    <p class="about"></p>
    <p class="address"></p>
  </div>
  <form>
    <input type="text" autocomplete="off" spellcheck="false" maxlength="200" />
    <button type="submit"></button>
    <label><input class="repeat" type="checkbox" checked /> once a second</label>
    <p class="took" role="status"></p>
  </form>
  <div class="feed">
    <h3></h3>
    <ol></ol>
  </div>
  <p class="error" hidden></p>`;

/** One service on the page. */
class Panel {
  readonly element = document.createElement("article");
  readonly #service: Service;
  #sent = 0;
  #seen = 0;

  constructor(service: Service) {
    this.#service = service;
    this.element.className = "service";
    this.element.id = service.name;
    this.element.innerHTML = TEMPLATE;
    this.#find("h2").textContent = TITLES[service.name] ?? service.name;
    this.#find(".about").textContent = service.about;
    this.#find(".address").textContent = service.address ?? "";
    const action = ACTIONS[service.name] ?? "Send";
    this.#find("button").textContent = action;
    this.#find<HTMLInputElement>("input[type=text]").value = TEXTS[service.name] ?? "";
    this.#find("input[type=text]").setAttribute("aria-label", `Text to ${action} in ${TITLES[service.name]}`);
    this.#count();
    if (service.error || !service.address) {
      this.#fail(service.error ?? "It was not started.");
      return;
    }
    this.#follow();
    this.#offer();
  }

  #find<T extends HTMLElement>(selector: string): T {
    const found = this.element.querySelector<T>(selector);
    if (!found) throw new Error(`${selector} is missing`);
    return found;
  }

  #fail(message: string): void {
    this.#find(".error").textContent = message;
    this.#find(".error").hidden = message === "";
  }

  #count(): void {
    this.#find("h3").textContent = `${this.#seen} ${FEEDS[this.#service.name]}`;
  }

  /** Opens the request that stays open; the browser opens it again when it ends. */
  #follow(): void {
    const source = new EventSource(`/services/${this.#service.name}/events`);
    source.addEventListener("message", ({ data }) => {
      this.#fail("");
      this.#show(JSON.parse(data as string) as Event);
    });
    source.addEventListener("problem", ({ data }) =>
      this.#fail((JSON.parse(data as string) as { error: string }).error),
    );
    source.addEventListener("error", () => this.#fail("The server does not answer. Is npm start still running?"));
    source.addEventListener("open", () => this.#fail(""));
  }

  #show({ text, where }: Event): void {
    const list = this.#find("ol");
    const line = document.createElement("li");
    const place = document.createElement("span");
    place.className = "where";
    place.textContent = where;
    line.append(text, " ", place);
    list.prepend(line);
    while (list.children.length > EVENTS) list.lastChild?.remove();
    this.#seen++;
    this.#count();
  }

  /** Sends what is typed: at once when asked, and again and again while the box is ticked. */
  #offer(): void {
    const repeat = this.#find<HTMLInputElement>(".repeat");
    this.#find("form").addEventListener("submit", (submit) => {
      submit.preventDefault();
      void this.#send(this.#find<HTMLInputElement>("input[type=text]").value);
    });
    setInterval(() => {
      if (!repeat.checked || document.visibilityState !== "visible") return;
      void this.#send(`${this.#find<HTMLInputElement>("input[type=text]").value} ${++this.#sent}`);
    }, EVERY_MS);
  }

  async #send(body: string): Promise<void> {
    try {
      const answer = await ask(`/services/${this.#service.name}`, { method: "POST", body });
      const { text, us } = (await answer.json()) as { text: string; us: number };
      this.#find(".took").textContent = `${text}, after ${(us / 1000).toFixed(2)} ms`;
    } catch (error) {
      this.#fail(explain(error));
    }
  }
}

async function main(): Promise<void> {
  element("curl").textContent = `curl --data hello ${location.origin}/services/kafka`;
  const services = (await (await ask("/services/list")).json()) as Service[];
  element("services").replaceChildren(...services.map((service) => new Panel(service).element));
}

main().catch((error: unknown) => {
  element("problem").textContent = explain(error);
  element("problem").hidden = false;
});
