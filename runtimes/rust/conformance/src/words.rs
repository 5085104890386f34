//! Requests as text and numbers.

use resty_ffi::{Error, Request};

pub fn text(req: &Request) -> Result<&str, Error> {
    Ok(std::str::from_utf8(req.body().unwrap_or_default())?)
}

pub fn number(req: &Request) -> Result<u64, Error> {
    Ok(text(req)?.parse()?)
}
