//! Keys and ranges of keys in etcd's form.

use resty_ffi::Error;

use crate::error::bad_input;

/// From a key to an exclusive end. An empty end is the key alone.
#[derive(Clone)]
pub struct Range {
    pub key: Vec<u8>,
    pub end: Vec<u8>,
}

impl Range {
    /// `prefix`: all keys that begin with `key`.
    pub fn new(key: String, prefix: bool, end: Option<String>) -> Result<Self, Error> {
        let key = key.into_bytes();
        match (prefix, end) {
            (true, Some(_)) => Err(bad_input("prefix: not together with range_end")),
            (false, end) => {
                let end = end.unwrap_or_default().into_bytes();
                Ok(Self { key, end })
            }
            // etcd has no empty key: the smallest is a zero byte, which as an end means the last key.
            (true, None) if key.is_empty() => Ok(Self {
                key: vec![0],
                end: vec![0],
            }),
            (true, None) => {
                let end = after(&key);
                Ok(Self { key, end })
            }
        }
    }
}

/// The first key after all keys with this prefix. UTF-8 has no byte 255.
fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

/// JSON is UTF-8; invalid bytes become replacement characters.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
