import { row } from "../../src/row.js";

row("python", "node");
