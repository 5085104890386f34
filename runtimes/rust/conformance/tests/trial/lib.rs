//! A runtime with the rarer ways to set up, to fail and to wait.
#![allow(missing_docs)]

#[path = "../../src/counters.rs"]
mod counters;
mod odd_streams;
#[path = "../../src/streams.rs"]
mod streams;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use resty_ffi::{Body, Bytes, Config, Error, Json, Request, Router, blocking, sync};

async fn init(config: Config) -> Result<Router, Error> {
    // This works only inside tokio.
    tokio::time::sleep(Duration::from_millis(1)).await;
    tracing::info!("set up");
    match config.as_str() {
        Some("code") => Err(Error::new(9, "no broker answers")),
        Some("error") => Err("x".parse::<u8>().unwrap_err().into()),
        Some("panic") => panic!("broken set-up"),
        Some("json") => {
            let [one]: [u8; 1] = config.json()?;
            Ok(router().worker_threads(one.into()))
        }
        Some("ends") => Ok(router()
            .on_unload(|| async {
                tracing::info!("closed");
                Ok::<_, Error>(())
            })
            .on_unload(broken_end)
            .on_unload(|| async {
                tokio::time::sleep(Duration::from_millis(2500)).await;
                Err::<(), _>(Error::new(9, "no broker answers"))
            })),
        Some("ends late") => Ok(router().on_unload(|| async {
            let _guard = SaysWhenDropped;
            std::future::pending::<Result<(), Error>>().await
        })),
        Some("workers") => Ok(router().worker_threads(2)),
        _ => Ok(router()),
    }
}

resty_ffi::export!(init);

async fn broken_end() -> Result<(), Error> {
    panic!("broken end")
}

struct SaysWhenDropped;

impl Drop for SaysWhenDropped {
    fn drop(&mut self) {
        tracing::info!("dropped");
    }
}

fn router() -> Router {
    let kept = Arc::new(Mutex::new(None::<Body>));
    let keep = kept.clone();
    let seen = Arc::new(Mutex::new("nothing"));
    let sees = seen.clone();
    let counters = Arc::new(counters::Counters::default());
    let cancelled = counters.clone();
    let router = odd_streams::serve(streams::serve(Router::new(), &counters));
    router
        .route(
            "cancelled",
            sync(move |_| cancelled.cancelled().to_string()),
        )
        .route("slice", |req: Request| async {
            req.into_body().map(|body| Bytes::from(body).slice(1..))
        })
        .route("double", |req: Request| async move {
            let numbers: Vec<u32> = req.json()?;
            Ok::<_, Error>(Json(numbers.into_iter().map(|n| n * 2).collect::<Vec<_>>()))
        })
        .route(
            "keep",
            sync(move |req| *keep.lock().unwrap() = req.into_body()),
        )
        .route("kept", sync(move |_| kept.lock().unwrap().take()))
        .route("panic_in_call", |_: Request| -> std::future::Ready<()> {
            panic!("before the future")
        })
        .route("panic_later", panic_later)
        .route("panic_in_drop", |_: Request| async {
            let _guard = PanicsWhenDropped;
        })
        .route("panic_in_task", |_: Request| async {
            tokio::spawn(async { panic!("alone") })
                .await
                .is_err()
                .to_string()
        })
        .route(
            "panic_in_block",
            blocking(|_| -> () { panic!("on a thread") }),
        )
        .route("panic_when_cancelled", |_: Request| async {
            let _guard = PanicsWhenDropped;
            std::future::pending::<()>().await;
        })
        .route(
            "until_cancelled",
            blocking(move |req| {
                *sees.lock().unwrap() = "its start";
                while !req.is_cancelled() {
                    thread::sleep(Duration::from_millis(1));
                }
                *sees.lock().unwrap() = "its cancellation";
            }),
        )
        .route("seen", sync(move |_| *seen.lock().unwrap()))
        .route("both_at_once", |_: Request| async { meet() })
        .route("quiet", |_: Request| async { tracing::debug!("unheard") })
        .route(
            "loud",
            blocking(|_| tracing::warn!(attempt = 2, "from a blocking thread")),
        )
        .fallback(|req: Request| async move { format!("{} it is", req.method()) })
}

async fn panic_later(_: Request) {
    tokio::task::yield_now().await;
    panic!("after {}", "waiting");
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("in a drop");
    }
}

/// Returns once two threads are here at the same time, which cannot happen on one thread.
fn meet() -> &'static str {
    static DOOR: std::sync::Barrier = std::sync::Barrier::new(2);
    DOOR.wait();
    "met"
}
