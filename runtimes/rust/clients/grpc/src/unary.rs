//! A call with one message each way.

use std::sync::Arc;

use bytes::Bytes;
use resty_ffi::{Error, Request};
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::channel::grpc;
use crate::client::Client;
use crate::clients::{Clients, Envelope};
use crate::codec::Raw;
use crate::decode::decode;
use crate::encode::encode;
use crate::method::{Asked, Known, find};
use crate::refusal::refuse;
use crate::types::{Found, Types};
use crate::{details, http2, metadata, msgpack, reflection, schema, status};

/// How often a call is sent when servers do not process it.
const ATTEMPTS: usize = 3;

pub async fn unary(clients: Arc<Clients>, request: Request) -> Result<Vec<u8>, Error> {
    let envelope = Envelope::read(request.body().unwrap_or_default())?;
    let client = clients.get(&envelope)?;
    let asked = Asked::read(envelope.body, &client)?;
    let mut known = find(&client, asked.path, asked.wait).await?;
    known.found = client
        .knowing_request(known.found, asked.path, asked.message)
        .await?;
    let mut answered = call(&client, &known.found, &asked, &request).await?;
    if known.reflected && answered.code() == Code::Unimplemented {
        // Another server may be there by now.
        client
            .connection
            .reflected
            .forget(schema::split(asked.path)?.0);
        known = find(&client, asked.path, asked.wait).await?;
        answered = call(&client, &known.found, &asked, &request).await?;
    }
    let Known { found, .. } = &known;
    match &answered.end {
        Ok(bytes) => {
            let found = &client
                .knowing_answer(found.clone(), asked.path, bytes)
                .await?;
            let message = decode(&found.types, found.method.output, bytes)
                .map_err(|_| not_a_message(found))?;
            Ok(if asked.with_metadata {
                answered.wrapped(&message)
            } else {
                message
            })
        }
        Err(status) => {
            let error = status::error(status, request.remaining());
            if asked.with_metadata {
                let found = client
                    .knowing_details(found.clone(), asked.path, status.details())
                    .await?;
                Ok(answered.wrapped_error(&error, status, &found.types))
            } else {
                Err(error)
            }
        }
    }
}

/// The names of the server's services.
pub async fn services(clients: Arc<Clients>, request: Request) -> Result<Vec<u8>, Error> {
    let envelope = Envelope::read(request.body().unwrap_or_default())?;
    let client = clients.get(&envelope)?;
    let names = reflection::services(
        &client.connection,
        client.connection.settings.wait_for_ready,
    )
    .await;
    let names = names.map_err(|status| status::error(&status, request.remaining()))?;
    let mut out = Vec::new();
    msgpack::put_list(&mut out, names.len());
    for name in names {
        msgpack::put_text(&mut out, name.as_bytes());
    }
    Ok(out)
}

pub fn not_a_message(found: &Found) -> Error {
    let name = &found.types.messages[found.method.output].name;
    Error::new(
        Code::Internal as i32,
        format!("the server's answer is not a valid {name}: its files and the loaded ones differ"),
    )
}

/// The metadata of a response, and its end.
#[derive(Default)]
pub struct Response {
    pub headers: MetadataMap,
    pub trailers: MetadataMap,
}

impl Response {
    /// `[message, headers, trailers]`
    pub fn wrapped(&self, message: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(message.len() + 128);
        msgpack::put_list(&mut out, 3);
        out.extend_from_slice(message);
        metadata::put(&mut out, &self.headers);
        metadata::put(&mut out, &self.trailers);
        out
    }

    /// `[nil, headers, trailers, code, message, details]`
    pub fn wrapped_error(&self, error: &Error, status: &Status, types: &Types) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        msgpack::put_list(&mut out, 6);
        msgpack::put_nil(&mut out);
        metadata::put(&mut out, &self.headers);
        metadata::put(&mut out, status.metadata());
        msgpack::put_int(&mut out, error.code().into());
        msgpack::put_text(&mut out, error.message().as_bytes());
        details::put(&mut out, types, status.details());
        out
    }
}

struct Answered {
    response: Response,
    end: Result<Bytes, Status>,
}

impl Answered {
    fn code(&self) -> Code {
        self.end.as_ref().map_or_else(Status::code, |_| Code::Ok)
    }

    fn wrapped(&self, message: &[u8]) -> Vec<u8> {
        self.response.wrapped(message)
    }

    fn wrapped_error(&self, error: &Error, status: &Status, types: &Types) -> Vec<u8> {
        self.response.wrapped_error(error, status, types)
    }
}

async fn call(
    client: &Client,
    found: &Found,
    asked: &Asked<'_>,
    request: &Request,
) -> Result<Answered, Error> {
    let method = &found.method;
    if method.client_streams || method.server_streams {
        return Err(refuse(format!(
            "{} is a stream: open it with conn:stream",
            asked.path
        )));
    }
    let message = encode(&found.types, method.input, asked.message)?;
    fits(client, message.len())?;
    let message = Bytes::from(message);
    let mut attempt = 1;
    loop {
        let mut outgoing = tonic::Request::new(tokio_stream::once(message.clone()));
        *outgoing.metadata_mut() = asked.metadata.clone();
        if let Some(left) = request.remaining() {
            outgoing.set_timeout(left);
        }
        let mut response = Response::default();
        let end = exchange(client, found, outgoing, asked.wait, &mut response).await;
        match &end {
            Err(status) if attempt < ATTEMPTS && http2::is_unprocessed(status) => attempt += 1,
            _ => return Ok(Answered { response, end }),
        }
    }
}

async fn exchange(
    client: &Client,
    found: &Found,
    request: tonic::Request<tokio_stream::Once<Bytes>>,
    wait: bool,
    response: &mut Response,
) -> Result<Bytes, Status> {
    let mut grpc = grpc(&client.connection, wait);
    let (headers, mut messages, _) = grpc
        .streaming(request, found.method.path.clone(), Raw)
        .await?
        .into_parts();
    response.headers = headers;
    let message = messages.message().await?;
    if message.is_some() && messages.message().await?.is_some() {
        return Err(more_than_one());
    }
    if let Some(trailers) = messages.trailers().await? {
        response.trailers = trailers;
    }
    message.ok_or_else(none)
}

/// The error when a method with one answer gets several.
pub fn more_than_one() -> Status {
    Status::internal("the server sent more than one answer to a call that has one")
}

pub fn none() -> Status {
    Status::internal("the server ended the call without an answer")
}

/// Checks that the message is below the limit.
pub fn fits(client: &Client, len: usize) -> Result<(), Error> {
    let limit = client.connection.settings.max_message_size;
    if len > limit {
        let text = format!(
            "the message has {len} bytes, and the limit is {limit} (option max_message_size)"
        );
        return Err(Error::new(Code::ResourceExhausted as i32, text));
    }
    Ok(())
}
