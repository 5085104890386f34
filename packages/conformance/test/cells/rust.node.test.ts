import { row } from "../../src/row.js";

row("rust", "node");
