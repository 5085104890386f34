import { createServer } from "node:net";

const DEFAULT_PORT = 8080;

/** The port that `PORT` asks for. */
export function portOf(text: string | undefined): number {
  if (!text) return DEFAULT_PORT;
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65536) return port;
  throw new Error(`PORT must be a number from 1 to 65535, not "${text}".`);
}

/** Rejects with what to do about it if nginx could not listen on `port`. */
export function checkFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", ({ code }: NodeJS.ErrnoException) =>
      reject(
        new Error(
          code === "EADDRINUSE"
            ? `Port ${port} is in use: choose another port, for example PORT=${port === 65535 ? 8080 : port + 1} npm start.`
            : `Cannot listen on port ${port} (${code}): choose another port, for example PORT=8081 npm start.`,
        ),
      ),
    );
    server.listen(port, "127.0.0.1", () => server.close(() => resolve()));
  });
}
