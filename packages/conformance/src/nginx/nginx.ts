import http from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type Nginx as Process, startNginx } from "@resty-ffi/nginx";
import { children } from "@resty-ffi/scripts/processes";
import type { Line } from "../host.js";
import { LUA, SOURCE } from "../places.js";

export interface Settings {
  /** The environment variables of the runtimes. */
  env?: Record<string, string>;
  /** Directives for the http block and for the server. */
  http?: string;
  server?: string;
  main?: string;
  workers?: number;
}

export interface Reply {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

export interface RequestOptions {
  body?: Buffer | string;
  headers?: http.OutgoingHttpHeaders;
  agent?: http.Agent | false;
}

/** An nginx that serves src/nginx/fixture.lua, and its client. */
export class Nginx {
  readonly #process: Process;
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  private constructor(process: Process) {
    this.#process = process;
  }

  static async start({ env = {}, http = "", server = "", main = "", workers = 1 }: Settings = {}): Promise<Nginx> {
    return new Nginx(
      await startNginx({
        name: "conformance",
        env,
        main,
        workers,
        http: ({ port }) => `
client_max_body_size 0;
client_body_buffer_size 130m;
lua_package_path "${LUA}/?.lua;${SOURCE}/nginx/?.lua;;";
lua_shared_dict shared 1m;
lua_shared_dict other 1m;
${http}
server {
  listen 127.0.0.1:${port} backlog=1024;
  lua_check_client_abort on;
  location = / { return 204; }
  location /call/ { content_by_lua_block { require("fixture").call() } }
  location /stream/ { content_by_lua_block { require("fixture").hold() } }
  location = /lua { content_by_lua_block { require("fixture").lua() } }
  ${server}
}`,
      }),
    );
  }

  request(
    method: string,
    path: string,
    { body, headers = {}, agent = this.#agent }: RequestOptions = {},
  ): Promise<Reply> {
    const { port } = this.#process;
    return new Promise((resolve, reject) => {
      const request = http.request({ host: "127.0.0.1", port, method, path, headers, agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  /** Runs Lua in the content phase of a request; `fixture` is src/nginx/fixture.lua. Returns its result as text. */
  async lua(chunk: string): Promise<string> {
    const reply = await this.request("POST", "/lua", { body: `local fixture = ...\n${chunk}` });
    if (reply.status !== 200) {
      throw new Error(`Lua failed (${reply.status}):\n${chunk}\n${this.errorLog().slice(-1500)}`);
    }
    return reply.body.toString();
  }

  /** Starts a request and closes its connection after `ms`. */
  async abandon(path: string, ms: number): Promise<void> {
    const { port } = this.#process;
    const request = http.request({ host: "127.0.0.1", port, method: "POST", path, agent: false });
    const over = new Promise<Error>((resolve) => request.on("error", resolve));
    const answered = new Promise<never>((_, reject) => {
      request.on("response", () => reject(new Error("The call was answered, though it never should be.")));
    });
    request.end();
    await Promise.race([delay(ms), answered]);
    request.destroy(new Error("the client went away"));
    await Promise.race([over, answered]);
  }

  /** Starts a request and closes its connection `ms` after the answer has begun. */
  async leave(path: string, ms: number): Promise<void> {
    const { port } = this.#process;
    const request = http.request({ host: "127.0.0.1", port, path, agent: false });
    const over = new Promise<void>((resolve) => request.on("close", resolve));
    const begun = new Promise<http.IncomingMessage>((resolve, reject) =>
      request.on("response", resolve).on("error", reject),
    );
    request.end();
    const response = await begun;
    response.on("error", () => {}); // the connection is cut off
    await delay(ms);
    request.destroy();
    await over;
  }

  get port(): number {
    return this.#process.port;
  }

  /** The path of error.log. */
  get folder(): string {
    return this.#process.folder;
  }

  get master(): number {
    return this.#process.pid;
  }

  get workers(): number[] {
    return children(this.master);
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.master, name);
  }

  errorLog(): string {
    return this.#process.log();
  }

  log(): Line[] {
    const lines = this.errorLog().matchAll(/^[\d/]+ [\d:]+ \[(\w+)\] \d+#\d+: (.*)$/gm);
    return [...lines].map(([, level = "", text = ""]) => ({ level, text }));
  }

  /** The lines that must not be in the log: those of nginx itself at these levels. */
  alarms(): Line[] {
    return this.log().filter(({ level, text }) => /^(emerg|alert|crit)$/.test(level) && !text.includes("[resty-ffi]"));
  }

  /** Resolves with the master's exit code when it has ended. */
  get exited(): Promise<number | null> {
    return this.#process.exited;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await this.#process.stop();
  }
}
