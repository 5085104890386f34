import { dirname, join } from "node:path";
import { lua } from "@resty-ffi/nginx";
import type { Paths } from "@resty-ffi/scripts/paths";
import type { Cell } from "./cell.ts";
import { startEchoServer } from "./echo_server.ts";
import { floorCell } from "./floor.ts";
import { nginxCell } from "./nginx_cell.ts";
import type { Servers } from "./servers.ts";
import { startServiceCells } from "./services.ts";

/** The arguments of {@link startCells}. */
export interface Wanted {
  paths: Paths;
  /** The servers that the cells of real services use. */
  servers: Servers;
  /** Receives the name of each cell that is being started. */
  progress: (text: string) => void;
  /** Restricts the cells to those whose name matches. */
  only?: RegExp | undefined;
}

/** Starts all cells, the floor first. */
export async function startCells({ paths, servers, progress, only }: Wanted): Promise<Cell[]> {
  const dist = dirname(dirname(paths.lib));
  const cells: Cell[] = [];
  const wanted = (what: string): boolean => !only || only.test(what);
  const add = async (what: string, start: () => Cell | Promise<Cell>): Promise<void> => {
    if (!wanted(what)) return;
    progress(what);
    cells.push(await start());
  };
  const runtime = (
    what: string,
    lib: string,
    cfg: string | null,
    env: Record<string, string>,
    options = "{}",
    how: "runtime" | "stream" = "runtime",
  ) => {
    const expression = `what.${how}(${lua(lib)}, ${lua(cfg)}, ${options})`;
    return add(what, () => nginxCell({ what, expression, luaPath: paths.lua, env }));
  };
  try {
    await add("floor", () => floorCell(join(dist, "bin", "floor")));
    const noHop = `what.no_hop(${lua(join(dist, "lib", "bench", "libffi_c_nohop.so"))})`;
    await add("no-hop", () => nginxCell({ what: "no-hop", expression: noHop, luaPath: paths.lua, env: {} }));
    const c = join(dist, "lib", "test", "libffi_c_echo2.so");
    await runtime("c/thread", c, null, {});
    await runtime("c/process", c, null, {}, "{ isolate = true }");
    for (const [language, { lib, cfg, env }] of Object.entries(paths.runtimes)) {
      // As a user would run it: with the flags that the loader chooses.
      const { JAVA_OPTS: _, ...rest } = env;
      if (language !== "node") await runtime(`${language}/thread`, lib, cfg, rest);
      await runtime(`${language}/process`, lib, cfg, rest, language === "node" ? "{}" : "{ isolate = true }");
      await runtime(`${language}/stream`, lib, cfg, rest, "{}", "stream");
    }
    await add("unix-socket", () => baseline("unix-socket", paths.lua));
    await add("proxy_pass", () => baseline("proxy_pass", paths.lua));
    cells.push(...(await startServiceCells({ paths, servers, progress, wanted })));
    return cells;
  } catch (error) {
    await Promise.all(cells.map((cell) => cell.stop()));
    throw error;
  }
}

/** A common alternative to resty-ffi, with an echo server of its own. */
async function baseline(what: "unix-socket" | "proxy_pass", luaPath: string): Promise<Cell> {
  const server = await startEchoServer();
  const expression = what === "unix-socket" ? `what.unix_socket(${lua(server.frames)})` : 'what.proxy_pass("/echo")';
  try {
    const cell = await nginxCell({ what, expression, luaPath, env: {}, server });
    return { ...cell, stop: () => cell.stop().finally(server.stop) };
  } catch (error) {
    server.stop();
    throw error;
  }
}
