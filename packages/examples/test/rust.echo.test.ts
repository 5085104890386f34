import { echoExample } from "../src/echo.ts";

echoExample("rust");
