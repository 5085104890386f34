import { kafkaExample } from "../src/kafka.ts";

kafkaExample("rust");
