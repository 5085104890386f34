import { readmes } from "../src/readme/readmes.ts";

readmes("node");
