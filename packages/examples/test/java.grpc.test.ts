import { grpcExample } from "../src/grpc.ts";

grpcExample("java");
