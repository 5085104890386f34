import { row } from "../../src/row.js";

row("node", "nginx");
