import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { workspaceOf } from "../places.ts";
import type { Copy } from "./copy.ts";

const MODULE = "github.com/resty-ffi/resty-ffi/runtimes/go v0.1.0";

/** A workspace around the copy: it has the module, whichever version the copy requires. */
export async function goModule({ parent, name }: Copy) {
  const sdk = workspaceOf("go");
  writeFileSync(
    join(parent, "go.work"),
    `go 1.26.0\n\nuse (\n\t./${name}\n\t${sdk}\n)\n\nreplace ${MODULE} => ${sdk}\n`,
  );
  return { env: { GOFLAGS: [process.env.GOFLAGS, "-buildvcs=false"].filter(Boolean).join(" ") } };
}
