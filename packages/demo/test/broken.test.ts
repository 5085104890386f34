import { freePort, type Nginx } from "@resty-ffi/nginx";
import { paths } from "@resty-ffi/scripts/paths";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startServer } from "../src/server.ts";

let nginx: Nginx;
let address: string;

beforeAll(async () => {
  const found = paths();
  const { go } = found.runtimes;
  if (!go) throw new Error("Go is missing");
  const runtimes = { ...found.runtimes, go: { ...go, lib: `${go.lib}.broken` } };
  nginx = await startServer({ ...found, runtimes }, await freePort());
  address = `http://127.0.0.1:${nginx.port}`;
});

afterAll(() => nginx.stop());

it("serves the other languages when one cannot be loaded", async () => {
  for (const language of ["rust", "python", "java", "node"]) {
    const answer = await fetch(`${address}/echo/${language}`, { method: "POST", body: "still here" });
    expect(await answer.text()).toBe("still here");
  }
});

it("answers that one with what is wrong", async () => {
  const answer = await fetch(`${address}/echo/go`, { method: "POST", body: "x" });
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain("libffi_go_conformance.so.broken");
  const measured = await fetch(`${address}/measure/go`);
  expect(measured.status).toBe(503);
});

it("is not healthy, and says which is not up", async () => {
  const answer = await fetch(`${address}/healthz`);
  expect(answer.status).toBe(503);
  expect(await answer.text()).toBe("not up: go\n");
  const metrics = await (await fetch(`${address}/metrics`)).text();
  expect(metrics).not.toContain("libffi_go");
  expect(metrics).toContain('resty_ffi_up{runtime="libffi_rust_conformance.so"} 1\n');
});

it("tells the page", async () => {
  const [go, rust] = (await (await fetch(`${address}/languages`)).json()) as { error?: string }[];
  expect(go?.error).toContain("libffi_go_conformance.so.broken");
  expect(rust?.error).toBeUndefined();
});
