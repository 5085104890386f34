//! The runtime behind `resty.ffi.grpc`: gRPC over tonic, with messages as Lua tables.
//!
//! A request is a list in MessagePack: the digest of the client's options, the body, and the options themselves where
//! the runtime may not know them. Messages are converted between MessagePack and protobuf along the descriptors,
//! without an intermediate form.

mod answer;
mod built_in;
mod channel;
mod client;
mod clients;
mod codec;
mod connection;
mod decode;
mod decoder;
mod descriptor;
mod details;
mod dial;
mod encode;
mod encoder;
mod exchange;
mod explain;
mod features;
mod framing;
mod http2;
mod learn;
mod link;
mod metadata;
mod method;
mod misfit;
mod missing;
mod msgpack;
mod number;
mod proto;
mod question;
mod reflected;
mod reflection;
mod refusal;
mod scalar;
mod schema;
mod settings;
mod special;
mod status;
mod stream;
#[cfg(test)]
mod testing;
mod tls;
mod trailers;
mod types;
mod unary;
mod upload;
mod wire;

use std::sync::Arc;

use resty_ffi::{Config, Error, Router};

use clients::Clients;

async fn init(_: Config) -> Result<Router, Error> {
    let clients = Arc::new(Clients::default());
    tokio::spawn(clients.clone().sweep());
    let (for_unary, for_services, for_streams) = (clients.clone(), clients.clone(), clients);
    Ok(Router::new()
        .route("unary", move |request| {
            unary::unary(for_unary.clone(), request)
        })
        .route("services", move |request| {
            unary::services(for_services.clone(), request)
        })
        .stream("stream", move |requests, sender| {
            stream::stream(for_streams.clone(), requests, sender)
        }))
}

resty_ffi::export!(init);
