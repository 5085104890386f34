import { etcdExample } from "../src/etcd.ts";

etcdExample("go");
