import { row } from "../../src/row.js";

row("java", "nginx");
