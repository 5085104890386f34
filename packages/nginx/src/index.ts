export { lua } from "./lua.ts";
export { freePort, type Nginx, type NginxOptions, nginxProgram, startNginx } from "./nginx.ts";
