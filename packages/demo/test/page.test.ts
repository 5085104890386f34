/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort, type Nginx } from "@resty-ffi/nginx";
import { paths } from "@resty-ffi/scripts/paths";
import { family, survivors } from "@resty-ffi/scripts/processes";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startServer } from "../src/server.ts";
import { launch, open } from "./browser.ts";

const LANGUAGES = ["go", "rust", "python", "java", "node"];
const SCREENSHOT = fileURLToPath(new URL("../../../docs/demo.png", import.meta.url));
const WAIT = { timeout: 20_000 };

let browser: Browser;

beforeAll(async () => {
  browser = await launch();
});

afterAll(() => browser.close());

/** The text of one element in each card. */
function shown(page: Page, className: string): Promise<string[]> {
  return page.locator(`.card .${className}`).allTextContents();
}

describe("the page", () => {
  let nginx: Nginx;
  let address: string;
  let page: Page;
  const wrong: string[] = [];
  const hosts = new Set<string>();

  beforeAll(async () => {
    nginx = await startServer(paths(), process.env.UPDATE_SCREENSHOT ? 8080 : await freePort());
    address = `http://127.0.0.1:${nginx.port}/`;
    page = await browser.newPage({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) wrong.push(message.text());
    });
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== "data:") hosts.add(host);
    });
    await page.goto(address);
    await page.locator(".card").nth(4).waitFor(WAIT);
  });

  afterAll(async () => {
    await page.close();
    const running = family(nginx.pid);
    await nginx.stop();
    expect(await survivors(running, 2000)).toEqual([]);
  });

  async function measured(before: string[]): Promise<void> {
    await page.waitForFunction(
      (known) => {
        const rates = [...document.querySelectorAll(".card .rate")].map((found) => found.textContent);
        return rates.length === known.length && rates.every((rate, k) => rate !== "–" && rate !== known[k]);
      },
      before,
      WAIT,
    );
  }

  it("shows each language with its version, transport and process", async () => {
    expect(await page.locator(".card").evaluateAll((all) => all.map(({ id }) => id))).toEqual(LANGUAGES);
    expect(await shown(page, "transport")).toEqual(["thread", "thread", "thread", "thread", "process"]);
    for (const version of await shown(page, "version")) expect(version).toMatch(/^\d+\.\d+/);
    const pids = await shown(page, "pid");
    expect(new Set(pids).size).toBe(2);
    for (const pid of pids) expect(pid).toMatch(/^pid \d+$/);
  });

  it("shows what each language answers to what is typed", async () => {
    const text = "grüße <b>& co</b>";
    await page.getByLabel("Type something").fill(text);
    await page.getByText("5 of 5 sent it back").waitFor(WAIT);
    expect(await shown(page, "said")).toEqual(Array(5).fill(text));
    for (const took of await shown(page, "took")) expect(took).toMatch(/^answered in [\d.]+ (µs|ms)$/);
  });

  it("measures each language again and again", async () => {
    await measured(Array(5).fill(""));
    const before = await shown(page, "rate");
    for (const rate of before) expect(rate).toMatch(/^[\d,]+$/);
    await measured(before);
    for (const name of ["p50", "p99"]) {
      for (const time of await shown(page, name)) expect(time).toMatch(/^[\d.]+ (µs|ms)$/);
    }
  });

  it("draws the latencies, and says them to those who do not see", async () => {
    await measured(Array(5).fill(""));
    // At once: the next measurement draws everything again.
    const plots = await page.locator(".card svg").evaluateAll((all) =>
      all.map((svg) => ({
        label: svg.getAttribute("aria-label"),
        marks: svg.querySelectorAll(".mark").length,
        texts: [...svg.querySelectorAll("text")].map(({ textContent }) => textContent),
        height: svg.querySelector(".area")?.getBoundingClientRect().height,
      })),
    );
    expect(plots.length).toBe(5);
    for (const { label, marks, texts, height } of plots) {
      expect(label).toMatch(/half of the calls took up to .+, 99 % up to/);
      expect(marks).toBe(2);
      expect(texts).toEqual(expect.arrayContaining(["1 µs", "1 ms", "p50", "p99"]));
      expect(height).toBeGreaterThan(10);
    }
  });

  it("shows what /metrics counts, live", async () => {
    const calls = async () => (await shown(page, "calls")).join();
    await expect.poll(calls, WAIT).toMatch(/^[\d.]+[KM](,[\d.]+[KM]){4}$/);
    const before = await calls();
    await expect.poll(calls, WAIT).not.toBe(before);
    for (const name of ["errors", "restarts", "reloads"]) expect(await shown(page, name)).toEqual(Array(5).fill("0"));
    for (const name of ["in-flight", "queued"]) {
      for (const count of await shown(page, name)) expect(count).toMatch(/^\d+$/);
    }
    for (const name of ["bytes-in", "bytes-out"]) {
      for (const size of await shown(page, name)) expect(size).toMatch(/^[\d.]+ [KMG]B$/);
    }
  });

  it("stops and starts the load", async () => {
    await page.getByRole("button", { name: "Stop the load" }).click();
    await page.getByRole("button", { name: "Start the load" }).waitFor(WAIT);
    let resting: string[] = [];
    // A measurement that was under way still comes in.
    await expect
      .poll(async () => {
        resting = await shown(page, "rate");
        await page.waitForTimeout(1500);
        return (await shown(page, "rate")).join();
      }, WAIT)
      .toEqual(expect.toSatisfy((now: string) => now === resting.join()));
    await page.getByRole("button", { name: "Start the load" }).click();
    await measured(resting);
  });

  it("measures with as many calls in flight, and with the payload, that are chosen", async () => {
    const asked = page.waitForRequest(/\/measure\/\w+\?ms=\d+&in_flight=1&bytes=4096$/, WAIT);
    await page.getByLabel("Calls in flight").selectOption("1");
    await page.getByLabel("Payload").selectOption("4096");
    await asked;
    await measured(await shown(page, "rate"));
    await page.getByLabel("Calls in flight").selectOption("64");
    await page.getByLabel("Payload").selectOption("64");
  });

  it("gives a line to paste into a terminal that works here", async () => {
    expect(await page.locator("#curl").textContent()).toBe(`curl --data hello ${address}echo/go`);
  });

  it.each([390, 820, 1280, 1920])("fits a window of %i px", async (width) => {
    const narrow = await open(browser, address, { width, colorScheme: "dark" });
    await narrow.locator(".card").nth(4).waitFor(WAIT);
    const needed = await narrow.evaluate(() => document.documentElement.scrollWidth);
    await narrow.close();
    expect(needed).toBe(width);
  });

  it("is on its screenshot, docs/demo.png", async () => {
    if (process.env.UPDATE_SCREENSHOT) {
      await page.getByLabel("Type something").fill("hello from the browser");
      await measured(await shown(page, "rate"));
      await measured(await shown(page, "rate"));
      await page.screenshot({ path: SCREENSHOT, fullPage: true });
    }
    expect(existsSync(SCREENSHOT)).toBe(true);
    const png = readFileSync(SCREENSHOT);
    expect(png.subarray(1, 4).toString()).toBe("PNG");
    expect(png.readUInt32BE(16)).toBe(1280);
    expect(png.length).toBeLessThanOrEqual(300 * 1024);
  });

  it("had nothing to complain about, and asked no other host", () => {
    expect(wrong).toEqual([]);
    expect([...hosts]).toEqual([`127.0.0.1:${nginx.port}`]);
  });
});

describe("when something is wrong, the page", () => {
  let nginx: Nginx;
  let page: Page;

  beforeEach(async () => {
    const found = paths();
    const rust = { lib: "/nowhere/libffi_rust.so", cfg: null, env: {} };
    nginx = await startServer({ ...found, runtimes: { ...found.runtimes, rust } }, await freePort());
    page = await open(browser, `http://127.0.0.1:${nginx.port}/`);
    return async () => {
      await page.close();
      await nginx.stop();
    };
  });

  it("says why a language is not there, and shows the others; that a process has died; then that the server has gone", async () => {
    await page.getByText("4 of 4 sent it back").waitFor(WAIT);
    expect(await page.locator("#rust .error").textContent()).toContain("/nowhere/libffi_rust.so");
    expect(await page.locator("#go .error").isVisible()).toBe(false);
    const pid = Number((await page.locator("#node .pid").textContent())?.replace("pid ", ""));
    process.kill(pid, "SIGKILL");
    await page.locator("#node .restarts").getByText("1", { exact: true }).waitFor(WAIT);
    expect(await page.locator("#rust .restarts").textContent()).toBe("–");
    await nginx.stop();
    await page.getByRole("alert").getByText("The server does not answer").waitFor(WAIT);
  });
});
