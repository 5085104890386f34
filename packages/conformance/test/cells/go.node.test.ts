import { row } from "../../src/row.js";

row("go", "node");
