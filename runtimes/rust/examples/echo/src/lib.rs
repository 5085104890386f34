//! Answers whatever it is sent, whatever the method is called.
use resty_ffi::{Config, Error, Request, Router};

fn init(_: Config) -> Result<Router, Error> {
    Ok(Router::new().fallback(|req: Request| async { req.into_body() }))
}

resty_ffi::export!(init);
