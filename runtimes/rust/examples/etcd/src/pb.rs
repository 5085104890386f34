//! Generated from `protos/etcd.proto`, whose names are etcd's.
#![allow(clippy::enum_variant_names)]

tonic::include_proto!("etcdserverpb");
