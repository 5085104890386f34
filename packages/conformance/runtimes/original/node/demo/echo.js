// An echo as for lua-resty-ffi: a worker thread polls, the main thread answers. "config" is answered with the
// configuration.
const { Worker, isMainThread, parentPort } = require("node:worker_threads");
const ffi = require("resty_ffi");

if (isMainThread) {
  exports.init = (cfg, tq) => {
    const worker = new Worker(__filename);
    worker.on("message", (task) => {
      const request = ffi.get_req(task);
      ffi.respond(task, 0, request === "config" ? cfg : request);
    });
    worker.postMessage(tq);
    return 0;
  };
} else {
  parentPort.once("message", (tq) => {
    for (;;) {
      const task = ffi.poll_task(tq);
      if (task === 0n) break;
      parentPort.postMessage(task);
    }
  });
}
