import { readmes } from "../src/readme/readmes.ts";

readmes("python");
