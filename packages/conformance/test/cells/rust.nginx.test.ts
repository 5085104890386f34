import { row } from "../../src/row.js";

row("rust", "nginx");
