//! The method `dict`: runs operations of the shared dict, given as words.

use std::time::Duration;

use resty_ffi::{Error, Request};

use crate::words::text;

const USAGE: &str =
    "dict takes: [in ZONE] set K V [TTL_MS], add K V [TTL_MS], get K, incr K N [TTL_MS], delete K";

pub(crate) async fn serve(req: Request) -> Result<Option<Vec<u8>>, Error> {
    let mut line = text(&req)?;
    let mut dict = req.dict();
    if let Some(named) = line.strip_prefix("in ") {
        let (name, rest) = named.split_once(' ').ok_or_else(|| Error::msg(USAGE))?;
        dict = dict.named(name);
        line = rest;
    }
    let words: Vec<&str> = line.splitn(3, ' ').collect();
    match words[..] {
        ["get", key] => Ok(dict.get(key).await?.map(|value| value.to_vec())),
        ["delete", key] => dict.delete(key).await.map(|()| None),
        ["set", key, rest] => {
            let (value, ttl) = with_ttl(rest);
            match ttl {
                Some(ttl) => dict.set_for(key, value, ttl).await?,
                None => dict.set(key, value).await?,
            }
            Ok(Some(value.into()))
        }
        ["add", key, rest] => {
            let (value, ttl) = with_ttl(rest);
            let stored = match ttl {
                Some(ttl) => dict.add_for(key, value, ttl).await?,
                None => dict.add(key, value).await?,
            };
            Ok(stored.then(|| value.into()))
        }
        ["incr", key, rest] => {
            let (by, ttl) = with_ttl(rest);
            let sum = match ttl {
                Some(ttl) => dict.incr_for(key, by.parse()?, ttl).await?,
                None => dict.incr(key, by.parse()?).await?,
            };
            Ok(Some(sum.to_string().into()))
        }
        _ => Err(Error::msg(USAGE)),
    }
}

/// If the last word is a number and follows a value, it is the time to live.
fn with_ttl(rest: &str) -> (&str, Option<Duration>) {
    let split = rest.rsplit_once(' ');
    match split.map(|(value, last)| (value, last.parse())) {
        Some((value, Ok(ms))) => (value, Some(Duration::from_millis(ms))),
        _ => (rest, None),
    }
}
