//! The runtime that the conformance suite calls: one method for each thing that a runtime has to get right.

mod counters;
mod dict;
mod finish;
mod process;
mod streams;
mod words;

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use resty_ffi::{Body, Config, Error, Json, Request, Router, blocking, sync};
use serde_json::{Value, json};

use counters::Counters;
use words::{number, text};

fn init(config: Config) -> Result<Router, Error> {
    let counters = Arc::new(Counters::default());
    let (never_ends, cancelled) = (counters.clone(), counters.clone());
    let (finish, to_finish) = finish::Finish::pair();
    let text = config.as_str().map(str::to_owned);
    let router = Router::new()
        .log_level(tracing::level_filters::LevelFilter::DEBUG)
        .route("lang", sync(lang))
        .route("echo", echo)
        .route("xor", sync(xor))
        .route("empty", sync(|_| ""))
        .route("none", sync(|_| ()))
        .route("nilreq", sync(nilreq))
        .route("fill", fill)
        .route("sleep", sleep)
        .route("block", blocking(block))
        .route("fail", fail)
        .route("throw", throw)
        .route("never", move |_: Request| never(never_ends.clone()))
        .route(
            "cancelled",
            sync(move |_| cancelled.cancelled().to_string()),
        )
        .route("remaining", sync(remaining))
        .route("config", sync(move |_| text.clone()))
        .route("log", log)
        .route("print", sync(print))
        .route("dict", dict::serve)
        .route("crash", sync(|_| -> () { std::process::abort() }))
        .route("exit", sync(process::exit))
        .route("finish", sync(move |req| to_finish.set(&req)))
        .on_unload(move || finish.run())
        .route("run", blocking(process::run))
        .route("run-async", process::run_async)
        .route("environment", sync(process::environment))
        .route("arguments", sync(process::arguments))
        .route("signals", process::signals);
    Ok(streams::serve(router, &counters))
}

resty_ffi::export!(init);

fn lang(_: Request) -> Json<Value> {
    Json(json!({
        "language": "rust",
        "version": env!("RUSTC_VERSION"),
        "sdk": resty_ffi::VERSION,
        "abi": resty_ffi::abi(),
        "pid": std::process::id(),
    }))
}

async fn echo(req: Request) -> Option<Body> {
    req.into_body()
}

fn xor(req: Request) -> Option<Body> {
    let mut body = req.into_body()?;
    body.iter_mut().for_each(|byte| *byte ^= 0x5a);
    Some(body)
}

fn nilreq(req: Request) -> &'static str {
    match req.body() {
        None => "nil",
        Some([]) => "empty",
        Some(_) => "bytes",
    }
}

async fn fill(req: Request) -> Result<Vec<u8>, Error> {
    let n = number(&req)?;
    Ok((0..n).map(|i| (i % 251) as u8).collect())
}

async fn sleep(req: Request) -> Result<&'static str, Error> {
    tokio::time::sleep(Duration::from_millis(number(&req)?)).await;
    Ok("slept")
}

fn block(req: Request) -> Result<&'static str, Error> {
    thread::sleep(Duration::from_millis(number(&req)?));
    Ok("blocked")
}

async fn fail(req: Request) -> Result<(), Error> {
    let (code, message) = text(&req)?.split_once(' ').unwrap_or_default();
    Err(Error::new(code.parse()?, message))
}

async fn throw(_: Request) {
    panic!("thrown on purpose");
}

async fn never(counters: Arc<Counters>) {
    counters.call(std::future::pending()).await
}

fn remaining(req: Request) -> String {
    match req.remaining() {
        Some(left) => left.as_millis().to_string(),
        None => "-1".to_owned(),
    }
}

async fn log(req: Request) -> Result<&'static str, Error> {
    let (level, message) = text(&req)?.split_once(' ').unwrap_or_default();
    match level {
        "debug" => tracing::debug!("{message}"),
        "info" => tracing::info!("{message}"),
        "notice" => tracing::info!(level, "{message}"),
        "warn" => tracing::warn!("{message}"),
        "error" => tracing::error!("{message}"),
        "crit" => tracing::error!(level, "{message}"),
        _ => return Err(Error::msg(format!("\"{level}\" is not a level"))),
    }
    Ok("logged")
}

fn print(req: Request) -> Result<&'static str, Error> {
    let (to, line) = text(&req)?.split_once(' ').unwrap_or_default();
    match to {
        "stdout" => {
            let mut out = io::stdout().lock();
            writeln!(out, "{line}")?;
            out.flush()?;
        }
        "stderr" => writeln!(io::stderr(), "{line}")?,
        _ => return Err(Error::msg("print takes: stdout TEXT, stderr TEXT")),
    }
    Ok("")
}
