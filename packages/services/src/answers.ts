import { get } from "node:http";
import { connect } from "node:net";

/** Whether an HTTP GET succeeds. It leaves no connection open, since tests count the connections of a server. */
export function answersHttp(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 1000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on("timeout", () => request.destroy()).on("error", () => resolve(false));
  });
}

/** Whether a server accepts connections on the port. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const done = (yes: boolean) => () => {
      socket.destroy();
      resolve(yes);
    };
    socket.once("connect", done(true)).once("error", done(false)).setTimeout(1000, done(false));
  });
}
