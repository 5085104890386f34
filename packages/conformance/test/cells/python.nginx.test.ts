import { row } from "../../src/row.js";

row("python", "nginx");
