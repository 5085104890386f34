import { loading } from "../../src/cases/loading.js";

loading("nginx");
