import { kafkaExample } from "../src/kafka.ts";

kafkaExample("node");
