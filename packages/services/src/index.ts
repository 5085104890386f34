export { freePorts } from "../../../scripts/ports.ts";
export { accepts, answersHttp } from "./answers.ts";
export { connectionsTo } from "./connections.ts";
export { type EtcdOptions, startEtcd, startEtcdCluster } from "./etcd.ts";
export { startFakeKafka } from "./fake_kafka.ts";
export { type Certificates, type GrpcServer, type GrpcStats, startGrpcServer } from "./grpc.ts";
export { type Kafka, type KafkaOptions, startKafka } from "./kafka.ts";
export { scratchFolder } from "./place.ts";
export { type Service, startService } from "./service.ts";
