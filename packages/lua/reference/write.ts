/* npm run docs: writes the references of the modules into docs/. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { MODULES, placeOf, reference } from "./pages.ts";

for (const module of Object.keys(MODULES)) {
  const file = placeOf(module);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, reference(module));
}
