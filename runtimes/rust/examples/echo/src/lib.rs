//! `echo` answers its request; every other method answers with a greeting.
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
