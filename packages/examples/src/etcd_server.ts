import { get, request } from "node:http";
import { text } from "node:stream/consumers";
import type { Service } from "@resty-ffi/services";

// One connection for each question, and none that is kept: tests count those of the server.

/** Asks etcd itself, by the JSON form of its API. */
export function ask(etcd: Service, path: string, body: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asked = request(`http://${etcd.address}/v3/${path}`, { method: "POST", agent: false }, (answer) => {
      text(answer).then((json) => resolve(JSON.parse(json)), reject);
    });
    asked.on("error", reject).end(JSON.stringify(body));
  });
}

/** The value of one of etcd's metrics. */
export function metric(etcd: Service, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = get(`http://${etcd.address}/metrics`, { agent: false }, (answer) => {
      text(answer).then((lines) => resolve(Number(new RegExp(`^${name} (\\S+)$`, "m").exec(lines)?.[1])), reject);
    });
    asked.on("error", reject);
  });
}
