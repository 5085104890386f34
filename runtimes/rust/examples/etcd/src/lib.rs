//! Keys, transactions, leases and watches of etcd, with JSON for requests and answers.

mod client;
mod config;
mod error;
mod json;
mod keys;
mod kv;
mod lease;
mod pb;
mod streams;
mod txn;
mod watch;

use std::sync::Arc;

use resty_ffi::{Config, Error, Request, Requests, Router, Sender};

use client::Etcd;

fn init(config: Config) -> Result<Router, Error> {
    let etcd = Arc::new(config::client(&config)?);
    Ok(Router::new()
        .route("put", call(&etcd, kv::put))
        .route("get", call(&etcd, kv::get))
        .route("delete", call(&etcd, kv::delete))
        .route("txn", call(&etcd, txn::txn))
        .route("lease_grant", call(&etcd, lease::grant))
        .route("lease_revoke", call(&etcd, lease::revoke))
        .stream("lease_keep_alive", stream(&etcd, lease::keep_alive))
        .stream("watch", stream(&etcd, watch::watch)))
}

fn call<F>(
    etcd: &Arc<Etcd>,
    method: fn(Arc<Etcd>, Request) -> F,
) -> impl Fn(Request) -> F + use<F> {
    let etcd = etcd.clone();
    move |request| method(etcd.clone(), request)
}

fn stream<F>(
    etcd: &Arc<Etcd>,
    method: fn(Arc<Etcd>, Requests, Sender) -> F,
) -> impl Fn(Requests, Sender) -> F + use<F> {
    let etcd = etcd.clone();
    move |requests, sender| method(etcd.clone(), requests, sender)
}

resty_ffi::export!(init);
