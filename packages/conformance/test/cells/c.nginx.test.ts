import { describe } from "vitest";
import { version1 } from "../../src/cases/version1.js";
import { cellName } from "../../src/row.js";

for (const transport of ["thread", "process"] as const) {
  describe(cellName("c", "nginx", transport), () => version1("nginx", transport));
}
