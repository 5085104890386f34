import { loading } from "../../src/cases/loading.js";

loading("node");
