import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** Serves one package in one version to npm, on loopback. */
export async function serveScope(manifest: { name: string; version: string }, tarball: Buffer) {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "");
    if (path === `/${manifest.name}`) {
      response.setHeader("Content-Type", "application/json").end(JSON.stringify(packument()));
    } else if (path === "/package.tgz") {
      response.end(tarball);
    } else {
      response.writeHead(404).end("{}");
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const packument = () => {
    const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
    const version = { ...manifest, dist: { tarball: `${url}package.tgz`, integrity } };
    return {
      name: manifest.name,
      "dist-tags": { latest: manifest.version },
      versions: { [manifest.version]: version },
    };
  };
  return {
    url,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
