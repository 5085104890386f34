//! What handlers can do beside answering: streams, deadlines, errors, the log, configuration, the shared dict.
use std::time::Duration;

use resty_ffi::{Config, Error, Request, Requests, Router, Sender};
use serde::Deserialize;

// [stream]
async fn ticks(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let Some(n) = requests.recv().await? else {
        return Ok(());
    };
    for i in 0..std::str::from_utf8(&n)?.parse()? {
        sender.send(format!("tick {i}")).await?;
    }
    Ok(())
}

async fn upper(mut requests: Requests, sender: Sender) -> Result<(), Error> {
    while let Some(mut message) = requests.recv().await? {
        message.make_ascii_uppercase();
        sender.send(message).await?;
    }
    Ok(())
}
// [/stream]

// [deadline]
async fn slow(req: Request) -> &'static str {
    if let Some(left) = req.remaining() {
        tracing::info!("the caller waits {} ms more", left.as_millis());
    }
    // When nobody waits any more, this future is dropped here, with all that it owns.
    tokio::time::sleep(Duration::from_secs(10)).await;
    "done"
}
// [/deadline]

// [errors]
async fn divide(req: Request) -> Result<String, Error> {
    let (a, b) = text(&req)?.split_once(' ').unwrap_or_default();
    let (a, b): (i64, i64) = (a.parse()?, b.parse()?);
    if b == 0 {
        return Err(Error::new(22, "division by zero"));
    }
    Ok((a / b).to_string())
}
// [/errors]

// [config]
#[derive(Deserialize)]
#[serde(default)]
struct Settings {
    greeting: String,
}

impl Default for Settings {
    fn default() -> Self {
        let greeting = "Hello".into();
        Self { greeting }
    }
}
// [/config]

// [log]
async fn hello(greeting: String, req: Request) -> Result<String, Error> {
    let name = text(&req)?;
    tracing::info!("hello {name}");
    Ok(format!("{greeting} {name}"))
}
// [/log]

// [dict]
async fn visits(req: Request) -> Result<String, Error> {
    let key = format!("visits:{}", text(&req)?);
    let count = req.dict().named("cache").incr(key, 1).await?;
    Ok(count.to_string())
}
// [/dict]

fn text(req: &Request) -> Result<&str, Error> {
    Ok(std::str::from_utf8(req.body().unwrap_or_default())?)
}

fn init(config: Config) -> Result<Router, Error> {
    let Settings { greeting } = config.json()?;
    Ok(Router::new()
        .stream("ticks", ticks)
        .stream("upper", upper)
        .route("slow", slow)
        .route("divide", divide)
        .route("hello", move |req| hello(greeting.clone(), req))
        .route("visits", visits))
}

resty_ffi::export!(init);
