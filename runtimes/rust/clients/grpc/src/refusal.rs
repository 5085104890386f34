//! Errors for invalid requests.

use resty_ffi::{Error, code};

/// The most names that a message lists.
const MAX_NAMES: usize = 30;

pub fn refuse(text: String) -> Error {
    Error::new(code::BAD_ARGUMENT, text)
}

/// Joins names with commas, for a message.
pub fn list_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(MAX_NAMES);
    names.truncate(MAX_NAMES);
    match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (_, 0) => names.join(", "),
        _ => format!("{} and {more} more", names.join(", ")),
    }
}
