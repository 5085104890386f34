//! The connections of a client, as a service for tonic.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{HeaderValue, USER_AGENT};
use http::uri::{Scheme, Uri};
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding::Gzip;
use tower_service::Service;

use crate::answer::Peer;
use crate::connection::Connection;
use crate::exchange::exchange;
use crate::http2;

const NAME: HeaderValue =
    HeaderValue::from_static(concat!("resty-ffi-grpc/", env!("CARGO_PKG_VERSION")));

/// How often a request is sent to another server when it has reached none.
const ATTEMPTS: usize = 5;

#[derive(Clone)]
pub struct Channel {
    connection: Arc<Connection>,
    wait: bool,
}

/// A tonic client for one call.
pub fn grpc(connection: &Arc<Connection>, wait: bool) -> Grpc<Channel> {
    let connection = connection.clone();
    let settings = connection.settings.clone();
    let grpc = Grpc::new(Channel { connection, wait })
        .accept_compressed(Gzip)
        .max_decoding_message_size(settings.max_message_size);
    if settings.gzip {
        grpc.send_compressed(Gzip)
    } else {
        grpc
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(send(self.connection.clone(), self.wait, request))
    }
}

async fn send(
    connection: Arc<Connection>,
    wait: bool,
    mut request: Request<Body>,
) -> Result<Response<Body>, Status> {
    let scheme = if connection.settings.tls.is_some() {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    };
    request.headers_mut().insert(USER_AGENT, NAME);
    let mut attempt = 1;
    loop {
        let chosen = connection.choose(wait).await?;
        match chosen.sender.clone().ready().await {
            Ok(sender) => {
                let mut parts = std::mem::take(request.uri_mut()).into_parts();
                parts.scheme = Some(scheme);
                parts.authority = Some(chosen.target.authority);
                *request.uri_mut() =
                    Uri::from_parts(parts).map_err(|error| Status::internal(error.to_string()))?;
                let peer = Peer {
                    name: chosen.target.name,
                    lost: chosen.lost,
                    settings: connection.settings.clone(),
                };
                return exchange(sender, request, peer).await;
            }
            Err(error) if attempt == ATTEMPTS => {
                return Err(http2::of_stream(
                    &error,
                    &chosen.target.name,
                    chosen.lost.why(),
                ));
            }
            Err(_) => {
                attempt += 1;
                connection.retire(&chosen);
            }
        }
    }
}
