//! A call with many messages, in one direction or both.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use resty_ffi::{Body, Error, Requests, Sender};
use tokio::sync::oneshot;

use crate::channel::grpc;
use crate::client::Client;
use crate::clients::{Clients, Envelope};
use crate::codec::Raw;
use crate::decode::decode;
use crate::encode::encode;
use crate::method::{Asked, find};
use crate::types::Found;
use crate::unary::{Response, fits, more_than_one, none, not_a_message};
use crate::{schema, status};

/// The first message is the envelope, which opens the call. The others are the call's messages.
pub async fn stream(
    clients: Arc<Clients>,
    mut requests: Requests,
    sender: Sender,
) -> Result<(), Error> {
    let Some(first) = requests.recv().await? else {
        return Err(crate::msgpack::malformed());
    };
    let envelope = Envelope::read(&first)?;
    let client = clients.get(&envelope)?;
    let asked = Asked::read(envelope.body, &client)?;
    let known = find(&client, asked.path, asked.wait).await?;
    let deadline = requests.deadline();
    let remaining =
        || deadline.map(|deadline| deadline.saturating_duration_since(std::time::Instant::now()));

    let (refused, refusal) = oneshot::channel();
    let outgoing = Outgoing {
        requests,
        client: client.clone(),
        found: known.found.clone(),
        path: asked.path.to_owned(),
        waiting: None,
        refused: Some(refused),
    };
    let mut request = tonic::Request::new(outgoing);
    *request.metadata_mut() = asked.metadata.clone();
    if let Some(left) = remaining() {
        request.set_timeout(left);
    }
    let mut response = Response::default();
    let exchange = exchange(
        &client,
        &known.found,
        request,
        &asked,
        &mut response,
        &sender,
    );
    let end = tokio::select! {
        // When a message cannot be sent, the server sees a cancellation.
        Ok(error) = refusal => return Err(error),
        end = exchange => end,
    };
    match end {
        Ok(()) if asked.with_metadata => sender.send(response.wrapped(&[0xc0])).await,
        Ok(()) => Ok(()),
        Err(Failed::Local(error)) => Err(error),
        Err(Failed::Remote(status)) => {
            if known.reflected && status.code() == tonic::Code::Unimplemented {
                client
                    .connection
                    .reflected
                    .forget(schema::split(asked.path)?.0);
            }
            let error = status::error(&status, remaining());
            if asked.with_metadata {
                let found = client
                    .knowing_details(known.found, asked.path, status.details())
                    .await?;
                return sender
                    .send(response.wrapped_error(&error, &status, &found.types))
                    .await;
            }
            Err(error)
        }
    }
}

enum Failed {
    Local(Error),
    Remote(tonic::Status),
}

impl From<tonic::Status> for Failed {
    fn from(status: tonic::Status) -> Self {
        Self::Remote(status)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

async fn exchange(
    client: &Client,
    found: &Found,
    request: tonic::Request<Outgoing>,
    asked: &Asked<'_>,
    response: &mut Response,
    sender: &Sender,
) -> Result<(), Failed> {
    let mut grpc = grpc(&client.connection, asked.wait);
    let (headers, mut messages, _) = grpc
        .streaming(request, found.method.path.clone(), Raw)
        .await?
        .into_parts();
    response.headers = headers;
    // The only answer of a method is sent once its status is known.
    let mut only = None;
    let mut found = found.clone();
    while let Some(bytes) = messages.message().await? {
        found = client.knowing_answer(found, asked.path, &bytes).await?;
        let message =
            decode(&found.types, found.method.output, &bytes).map_err(|_| not_a_message(&found))?;
        if found.method.server_streams {
            deliver(message, asked, sender).await?;
        } else if only.replace(message).is_some() {
            return Err(more_than_one().into());
        }
    }
    if let Some(trailers) = messages.trailers().await? {
        response.trailers = trailers;
    }
    if !found.method.server_streams {
        deliver(only.ok_or_else(none)?, asked, sender).await?;
    }
    Ok(())
}

async fn deliver(message: Vec<u8>, asked: &Asked<'_>, sender: &Sender) -> Result<(), Error> {
    if asked.with_metadata {
        let mut wrapped = vec![0x91];
        wrapped.extend_from_slice(&message);
        sender.send(wrapped).await
    } else {
        sender.send(message).await
    }
}

/// The caller's messages, as protobuf. The error of an invalid message goes to `refused`, and the stream stays open
/// after it: an end would tell the server that the messages are complete.
struct Outgoing {
    requests: Requests,
    client: Arc<Client>,
    found: Found,
    path: String,
    waiting: Option<Waiting>,
    refused: Option<oneshot::Sender<Error>>,
}

/// A message that waits for the server to describe its types.
type Waiting = Pin<Box<dyn Future<Output = Result<(Body, Found), Error>> + Send>>;

impl Outgoing {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            let table = if let Some(waiting) = &mut self.waiting {
                let (table, found) = ready!(waiting.as_mut().poll(cx))?;
                self.found = found;
                self.waiting = None;
                table
            } else {
                let Some(table) = ready!(self.requests.poll_recv(cx))? else {
                    return Poll::Ready(Ok(None));
                };
                if self.client.has_to_ask(&self.found, &table) {
                    let (client, found) = (self.client.clone(), self.found.clone());
                    let path = self.path.clone();
                    self.waiting = Some(Box::pin(async move {
                        let found = client.knowing_request(found, &path, &table).await?;
                        Ok((table, found))
                    }));
                    continue;
                }
                table
            };
            let message = encode(&self.found.types, self.found.method.input, &table)?;
            fits(&self.client, message.len())?;
            return Poll::Ready(Ok(Some(message.into())));
        }
    }
}

impl Stream for Outgoing {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.refused.is_none() {
            return Poll::Pending;
        }
        let refused = match ready!(self.poll_message(cx)) {
            Ok(message) => return Poll::Ready(message),
            Err(error) => error,
        };
        if let Some(channel) = self.refused.take() {
            // Without a receiver the call is already over.
            let _ = channel.send(refused);
        }
        Poll::Pending
    }
}
