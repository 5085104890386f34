//! Answers what it is sent, whatever the method is called.
use resty_ffi::{Body, Config, Error, Request, Router};

async fn echo(req: Request) -> Option<Body> {
    req.into_body()
}

fn init(_: Config) -> Result<Router, Error> {
    Ok(Router::new().fallback(echo))
}

resty_ffi::export!(init);
