//! Echoes what `echo` is sent, and greets by any other name.
use resty_ffi::{Body, Config, Error, Request, Router};

async fn echo(req: Request) -> Option<Body> {
    req.into_body()
}

async fn hello(req: Request) -> String {
    format!("hello from {}", req.method())
}

fn init(_: Config) -> Result<Router, Error> {
    Ok(Router::new().route("echo", echo).fallback(hello))
}

resty_ffi::export!(init);
