import { freePort, type Nginx } from "@resty-ffi/nginx";
import { paths } from "@resty-ffi/scripts/paths";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer } from "../src/server.ts";
import { type Services, startServices } from "../src/services.ts";
import { launch, open } from "./browser.ts";

const WAIT = { timeout: 20_000 };
const NAMES = ["kafka", "etcd", "grpc"];

let browser: Browser;
let services: Services;
let nginx: Nginx;
let address: string;

beforeAll(async () => {
  browser = await launch();
  services = await startServices();
  nginx = await startServer(paths(), await freePort(), { services });
  address = `http://127.0.0.1:${nginx.port}`;
});

afterAll(async () => {
  await nginx?.stop();
  await services?.stop();
  await browser?.close();
});

describe("for scripts", () => {
  it.each([
    ["kafka", /^partition 0, offset \d+$/],
    ["etcd", /^revision \d+$/],
    ["grpc", /^Hello script$/],
  ])("POST /services/%s answers what the service said", async (name, said) => {
    const answer = await fetch(`${address}/services/${name}`, { method: "POST", body: "script" });
    expect(answer.status).toBe(200);
    const { text, us } = (await answer.json()) as { text: string; us: number };
    expect(text).toMatch(said);
    expect(us).toBeGreaterThan(0);
  });

  it("there are no others", async () => {
    expect((await fetch(`${address}/services/redis`, { method: "POST", body: "x" })).status).toBe(404);
    expect((await fetch(`${address}/services/redis/events`)).status).toBe(404);
  });
});

describe("the page /services", () => {
  let page: Page;
  const wrong: string[] = [];

  beforeAll(async () => {
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.on("pageerror", (error) => wrong.push(error.message));
    await page.goto(`${address}/services`);
  });
  afterAll(() => page.close());

  it("shows each service, its library and its address", async () => {
    await page.locator(".service").nth(2).waitFor(WAIT);
    expect(await page.locator(".service").evaluateAll((all) => all.map(({ id }) => id))).toEqual(NAMES);
    expect(await page.locator(".service .address").allTextContents()).toEqual(
      NAMES.map((name) => services.addresses[name]),
    );
    for (const about of await page.locator(".service .about").allTextContents()) expect(about).toMatch(/^resty\.ffi\./);
  });

  it("what is sent comes back by itself", async () => {
    for (const name of NAMES) await page.locator(`#${name} li`).nth(2).waitFor(WAIT);
    for (const name of ["kafka", "etcd"]) {
      const text = `grüße <b>${name}</b>`;
      await page.locator(`#${name} input[type=text]`).fill(text);
      await page.locator(`#${name} button`).click();
      await page.locator(`#${name} li`).getByText(text, { exact: false }).first().waitFor(WAIT);
    }
    await page.locator("#grpc input[type=text]").fill("browser");
    await page.locator("#grpc button").click();
    await page.locator("#grpc .took").getByText("Hello browser").waitFor(WAIT);
    for (const error of await page.locator(".service .error").all()) expect(await error.isVisible()).toBe(false);
  });

  it("goes on by itself, until it is told not to", async () => {
    const count = async () => Number((await page.locator("#kafka h3").textContent())?.split(" ")[0]);
    const before = await count();
    await expect.poll(count, WAIT).toBeGreaterThan(before);
    await page.locator("#kafka .repeat").uncheck();
    let resting = -1;
    await expect
      .poll(async () => {
        resting = await count();
        await page.waitForTimeout(2000);
        return (await count()) - resting;
      }, WAIT)
      .toBe(0);
  });

  it.each([390, 820, 1280])("fits a window of %i px", async (width) => {
    const narrow = await open(browser, `${address}/services`, { width, colorScheme: "dark" });
    await narrow.locator(".service").nth(2).waitFor(WAIT);
    const needed = await narrow.evaluate(() => document.documentElement.scrollWidth);
    await narrow.close();
    expect(needed).toBe(width);
  });

  it("is one click away from the other page", async () => {
    const other = await open(browser, address);
    await other.getByRole("link", { name: "Real services" }).click();
    await other.locator(".service").nth(2).waitFor(WAIT);
    await other.close();
    expect(wrong).toEqual([]);
  });
});

it("without the services, the page says so and the languages are served", async () => {
  const alone = await startServer(paths(), await freePort());
  const page = await open(browser, `http://127.0.0.1:${alone.port}/services`);
  try {
    await page.locator("#etcd .error").getByText("It was not started.").waitFor(WAIT);
    const answer = await fetch(`http://127.0.0.1:${alone.port}/services/kafka`, { method: "POST", body: "x" });
    expect([answer.status, await answer.text()]).toEqual([503, "it is not running\n"]);
    expect(await (await fetch(`http://127.0.0.1:${alone.port}/healthz`)).text()).toBe("ok\n");
  } finally {
    await page.close();
    await alone.stop();
  }
});
