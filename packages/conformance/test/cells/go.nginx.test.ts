import { row } from "../../src/row.js";

row("go", "nginx");
