//! Streams with the rarer ways to read, to send and to end.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_core::Stream;
use resty_ffi::{Bytes, Error, Requests, Router, Sender, sync};
use tokio::runtime::Handle;
use tokio::time::timeout;

pub(crate) fn serve(router: Router) -> Router {
    let report = Arc::new(Mutex::new(None::<String>));
    let reported = report.clone();
    router
        .stream("as_stream", as_stream)
        .stream("deaf", deaf)
        .stream("closes_its_ears", closes_its_ears)
        .stream("from_a_thread", from_a_thread)
        .stream("from_two_tasks", from_two_tasks)
        .stream("impatient", impatient)
        .stream("left_behind", move |requests, sender| {
            left_behind(requests, sender, report.clone())
        })
        .route("report", sync(move |_| reported.lock().unwrap().take()))
        .stream("nil_message", |_: Requests, sender: Sender| async move {
            sender.send(None::<String>).await
        })
        .stream(
            "panic_in_call_of_stream",
            |_: Requests, _: Sender| -> std::future::Ready<()> { panic!("before the stream") },
        )
        .stream("panic_in_stream", panic_in_stream)
        .stream("about", |requests: Requests, sender: Sender| async move {
            let left = requests.remaining().map_or(0, |left| left.as_secs());
            sender.send(format!("{} {left}", requests.method())).await
        })
}

async fn panic_in_stream(_: Requests, sender: Sender) {
    sender.send("one").await.unwrap();
    panic!("in the stream");
}

/// The sum of the lengths, read through the trait `Stream`.
async fn as_stream(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let mut sum = 0;
    while let Some(message) = poll_fn(|cx| Pin::new(&mut requests).poll_next(cx)).await {
        sum += message?.len();
    }
    sender.send(sum.to_string()).await
}

async fn deaf(_requests: Requests, _: Sender) {
    std::future::pending().await
}

async fn closes_its_ears(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let first = requests.recv().await?;
    drop(requests);
    sender
        .send(
            first
                .into_iter()
                .flat_map(|b| b.to_vec())
                .collect::<Vec<_>>(),
        )
        .await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    sender.send("heard enough").await
}

async fn from_a_thread(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    tokio::task::spawn_blocking(move || {
        let tokio = Handle::current();
        while let Some(message) = tokio.block_on(requests.recv())? {
            tokio.block_on(sender.send(message))?;
        }
        Ok(())
    })
    .await?
}

/// Sends `a0`, `a1` … and `b0`, `b1` …, as many as the first message says, from a task for each letter.
async fn from_two_tasks(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let Some(n) = requests.recv().await? else {
        return Ok(());
    };
    let n: u32 = std::str::from_utf8(&n)?.parse()?;
    let [a, b] = ["a", "b"].map(|letter| {
        let sender = sender.clone();
        tokio::spawn(async move {
            for i in 0..n {
                sender.send(format!("{letter}{i}")).await?;
            }
            Ok::<_, Error>(())
        })
    });
    a.await??;
    b.await?
}

/// Sends chunks until one would have to wait, then answers the next message with their number.
async fn impatient(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let chunk = Bytes::from(vec![b'x'; 10_000]);
    let mut sent = 0;
    while let Ok(done) = timeout(Duration::from_millis(20), sender.send(chunk.clone())).await {
        done?;
        sent += 1;
    }
    tracing::info!("gave up");
    requests.recv().await?;
    sender.send(sent.to_string()).await
}

/// Ends at once, while a task that it spawned tries to continue.
async fn left_behind(mut requests: Requests, sender: Sender, report: Arc<Mutex<Option<String>>>) {
    tokio::spawn(async move {
        let received = loop {
            match requests.recv().await {
                Ok(Some(_)) => {}
                Ok(None) => break "the end".to_owned(),
                Err(error) => break format!("{error:?}"),
            }
        };
        let sent = sender.send("late").await.unwrap_err();
        *report.lock().unwrap() = Some(format!("{received} | {sent:?}"));
    });
    tokio::task::yield_now().await;
}
