import { readmes } from "../src/readme/readmes.ts";

readmes("java");
