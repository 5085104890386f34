//! The streaming methods, and the one that counts streams.

use std::sync::Arc;

use resty_ffi::{Body, Bytes, Error, Requests, Router, Sender, StreamHandler, sync};

use crate::counters::Counters;

const CHUNK: usize = 64 * 1024;

/// Adds the methods to a router.
pub(crate) fn serve(router: Router, counters: &Arc<Counters>) -> Router {
    let shown = counters.clone();
    router
        .stream("count", counted(counters, count))
        .stream("sum", counted(counters, sum))
        .stream("chat", counted(counters, chat))
        .stream("flood", counted(counters, flood))
        .stream("failstream", counted(counters, failstream))
        .route("streams", sync(move |_| shown.streams().to_string()))
}

fn counted<H: StreamHandler>(counters: &Arc<Counters>, handler: H) -> impl StreamHandler {
    let counters = counters.clone();
    move |requests: Requests, sender: Sender| counters.stream(handler.call(requests, sender))
}

async fn count(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    numbers(first(&mut requests).await?, &sender).await
}

async fn sum(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let mut sum = 0;
    while let Some(message) = requests.recv().await? {
        sum += number::<i64>(&message)?;
    }
    sender.send(sum.to_string()).await
}

async fn chat(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    while let Some(message) = requests.recv().await? {
        sender.send(message).await?;
    }
    Ok(())
}

async fn flood(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let chunk: Bytes = (0..CHUNK).map(|i| (i % 251) as u8).collect();
    for _ in 0..first(&mut requests).await? {
        sender.send(chunk.clone()).await?;
    }
    Ok(())
}

async fn failstream(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    numbers(first(&mut requests).await?, &sender).await?;
    Err(Error::new(7, "mid-stream"))
}

async fn numbers(n: u64, sender: &Sender) -> Result<(), Error> {
    for i in 0..n {
        sender.send(i.to_string()).await?;
    }
    Ok(())
}

async fn first(requests: &mut Requests) -> Result<u64, Error> {
    match requests.recv().await? {
        Some(message) => number(&message),
        None => Err(Error::msg("the stream has no first message, a number")),
    }
}

fn number<T: std::str::FromStr<Err: std::error::Error>>(message: &Body) -> Result<T, Error> {
    Ok(std::str::from_utf8(message)?.parse()?)
}
