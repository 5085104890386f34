import Module from "node:module";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

/** Node.js's own, which it does not declare; tools that add places to search by have always used them. */
const internals = Module as unknown as {
  _resolveFilename(request: string, ...rest: unknown[]): string;
  _initPaths(): void;
};

/**
 * Modules for lua-resty-ffi require its addon "resty_ffi". Where there is none, ours is found: by NODE_PATH, since the
 * Workers that they start search there as well.
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
