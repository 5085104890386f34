export { lua } from "./lua.ts";
export { freePort, type Nginx, type NginxOptions, startNginx } from "./nginx.ts";
export { hasStreamLua, type Program, program } from "./program.ts";
