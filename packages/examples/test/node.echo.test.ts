import { echoExample } from "../src/echo.ts";

echoExample("node");
