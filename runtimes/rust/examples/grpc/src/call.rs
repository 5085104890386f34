//! One RPC for each call or stream. When the caller goes away, the future is dropped, which cancels the RPC.

use std::time::{Duration, Instant};

use resty_ffi::{Error, Json, Request, Requests, Sender};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tonic::{Response, Status, Streaming};

use crate::error::{bad_input, failed};
use crate::json;
use crate::messages::{Cut, Messages};

/// One request, one answer.
pub async fn unary<M, R, F>(
    request: Request,
    rpc: impl FnOnce(tonic::Request<M>) -> F,
) -> Result<Json<R>, Error>
where
    M: DeserializeOwned,
    F: Future<Output = Result<Response<R>, Status>>,
{
    let message = json::decode(request.body().unwrap_or_default())?;
    let left = request.remaining();
    let failed = failure(left);
    let answer = rpc(timed(message, left)).await;
    Ok(Json(answer.map_err(failed)?.into_inner()))
}

/// One request, many answers.
pub async fn server_stream<M, R, F>(
    mut requests: Requests,
    sender: Sender,
    rpc: impl FnOnce(tonic::Request<M>) -> F,
) -> Result<(), Error>
where
    M: DeserializeOwned,
    R: Serialize,
    F: Future<Output = Result<Response<Streaming<R>>, Status>>,
{
    let Some(message) = requests.recv().await? else {
        return Err(bad_input("the stream was closed before its message came"));
    };
    let left = requests.remaining();
    let failed = failure(left);
    forward(rpc(timed(json::decode(&message)?, left)), &sender, failed).await
}

/// Many requests, one answer.
pub async fn client_stream<M, R, F>(
    requests: Requests,
    sender: Sender,
    rpc: impl FnOnce(tonic::Request<Messages<M>>) -> F,
) -> Result<(), Error>
where
    R: Serialize,
    F: Future<Output = Result<Response<R>, Status>>,
{
    let left = requests.remaining();
    let failed = failure(left);
    let (messages, broken) = Messages::new(requests, Cut::Resets);
    tokio::select! {
        Ok(error) = broken => Err(error),
        answer = rpc(timed(messages, left)) => {
            sender.send(Json(answer.map_err(failed)?.into_inner())).await
        }
    }
}

/// Many messages in both directions.
pub async fn both_streams<M, R, F>(
    requests: Requests,
    sender: Sender,
    rpc: impl FnOnce(tonic::Request<Messages<M>>) -> F,
) -> Result<(), Error>
where
    R: Serialize,
    F: Future<Output = Result<Response<Streaming<R>>, Status>>,
{
    let left = requests.remaining();
    let failed = failure(left);
    let (messages, broken) = Messages::new(requests, Cut::Ends);
    tokio::select! {
        Ok(error) = broken => Err(error),
        end = forward(rpc(timed(messages, left)), &sender, failed) => end,
    }
}

async fn forward<R: Serialize>(
    answers: impl Future<Output = Result<Response<Streaming<R>>, Status>>,
    sender: &Sender,
    failed: impl Fn(Status) -> Error,
) -> Result<(), Error> {
    let mut answers = answers.await.map_err(&failed)?.into_inner();
    while let Some(answer) = answers.message().await.map_err(&failed)? {
        sender.send(Json(answer)).await?;
    }
    Ok(())
}

/// Converts a status into an error. `left` is the time left when the RPC begins.
fn failure(left: Option<Duration>) -> impl Fn(Status) -> Error {
    let deadline = left.and_then(|left| Instant::now().checked_add(left));
    move |status| failed(status, deadline)
}

/// Sends the deadline to the service.
fn timed<T>(message: T, left: Option<Duration>) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if let Some(left) = left {
        request.set_timeout(left);
    }
    request
}
