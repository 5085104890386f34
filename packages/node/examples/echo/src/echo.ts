import { createRuntime } from "@resty-ffi/node";

// local rt = ngx.load_ffi("ffi_nodejs", "/path/to/dist/echo.js,app,")
// local ok, res = rt:echo("hello")
export const app = createRuntime()
  .method("echo", (request) => request)
  .default((_request, call) => `hello from ${call.method}`);
