import Module from "node:module";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

/** Undocumented functions of Node.js that tools commonly use to add search paths. */
const internals = Module as unknown as {
  _resolveFilename(request: string, ...rest: unknown[]): string;
  _initPaths(): void;
};

/**
 * Modules for lua-resty-ffi require its addon "resty_ffi". If it is not installed, the module of this package is used.
 * It is found through NODE_PATH, which also works in the Workers that such modules start.
 */
export function offerVersion1(): void {
  const resolve = internals._resolveFilename;
  internals._resolveFilename = (request, ...rest) => {
    try {
      return resolve.call(Module, request, ...rest);
    } catch (error) {
      if (request !== "resty_ffi") throw error;
    }
    internals._resolveFilename = resolve;
    const ours = fileURLToPath(new URL("version1", import.meta.url));
    process.env.NODE_PATH = [process.env.NODE_PATH, ours].filter(Boolean).join(delimiter);
    internals._initPaths();
    return resolve.call(Module, request, ...rest);
  };
}
