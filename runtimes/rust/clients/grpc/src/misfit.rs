//! The error of a table that does not fit its type, with the path to the wrong value: `items[2].when: must be …`

use std::fmt::Write;

use resty_ffi::{Error, code};

use crate::msgpack::Value;

/// How many characters of a text an error shows.
const SHOWN: usize = 40;

#[derive(Debug)]
pub struct Misfit {
    path: String,
    text: String,
}

impl Misfit {
    pub fn new(text: impl Into<String>) -> Self {
        let (path, text) = (String::new(), text.into());
        Self { path, text }
    }

    /// `wanted` describes a value that would fit.
    pub fn must_be(wanted: &str, value: Value<'_>) -> Self {
        Self::new(format!("must be {wanted}, not {}", shown(value)))
    }

    pub fn in_field(mut self, name: &str) -> Self {
        let dot = !self.path.is_empty() && !self.path.starts_with('[');
        self.path
            .insert_str(0, &format!("{name}{}", if dot { "." } else { "" }));
        self
    }

    /// Adds the item `index` of a list, counted from 1, to the path.
    pub fn in_item(self, index: usize) -> Self {
        self.in_entry(Value::Int(index as i64))
    }

    pub fn in_entry(mut self, key: Value<'_>) -> Self {
        let key = match key {
            Value::Text(text) => quoted(text),
            Value::Int(n) => n.to_string(),
            Value::Uint(n) => n.to_string(),
            Value::Bool(value) => value.to_string(),
            other => other.name().to_owned(),
        };
        let dot = !self.path.is_empty() && !self.path.starts_with('[');
        self.path
            .insert_str(0, &format!("[{key}]{}", if dot { "." } else { "" }));
        self
    }

    /// Marks the error as one of a map's key, which has no path of its own.
    pub fn of_key(mut self) -> Self {
        self.text.insert_str(0, "the key ");
        self
    }
}

impl From<Misfit> for Error {
    fn from(misfit: Misfit) -> Self {
        let path = match misfit.path.as_str() {
            "" => "the message",
            path => path,
        };
        Self::new(code::BAD_ARGUMENT, format!("{path}: {}", misfit.text))
    }
}

impl From<Error> for Misfit {
    fn from(error: Error) -> Self {
        Self::new(error.message())
    }
}

/// Describes a value: numbers by their value, strings only by their type, since they may be secret.
pub fn shown(value: Value<'_>) -> String {
    match value {
        Value::Int(n) => format!("the number {n}"),
        Value::Uint(n) => format!("the number {n}"),
        Value::Float(n) => format!("the number {n}"),
        other => other.name().to_owned(),
    }
}

/// The beginning of a text, in quotes.
pub fn quoted(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut shown = String::from("\"");
    for (n, letter) in text.chars().enumerate() {
        if n == SHOWN {
            shown.push('…');
            break;
        }
        match letter {
            '"' | '\\' => shown.extend(['\\', letter]),
            _ if letter.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\{}", u32::from(letter));
            }
            _ => shown.push(letter),
        }
    }
    shown.push('"');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(misfit: Misfit) -> String {
        Error::from(misfit).message().to_owned()
    }

    #[test]
    fn the_path_leads_from_the_message_to_the_value() {
        let misfit = || Misfit::must_be("an int32", Value::Bool(true));
        assert_eq!(
            text(misfit()),
            "the message: must be an int32, not a boolean"
        );
        assert_eq!(
            text(
                misfit()
                    .in_field("when")
                    .in_item(2)
                    .in_field("items")
                    .in_field("order")
            ),
            "order.items[2].when: must be an int32, not a boolean"
        );
        assert_eq!(
            text(
                misfit()
                    .in_item(1)
                    .in_entry(Value::Text(b"a\"\n"))
                    .in_field("m")
            ),
            "m[\"a\\\"\\10\"][1]: must be an int32, not a boolean"
        );
        assert_eq!(
            text(misfit().of_key().in_field("m")),
            "m: the key must be an int32, not a boolean"
        );
    }

    #[test]
    fn a_long_text_is_shown_by_its_beginning() {
        let shown = quoted("ä".repeat(100_000).as_bytes());
        assert_eq!(shown, format!("\"{}…\"", "ä".repeat(SHOWN)));
        assert_eq!(quoted(b"a\xff"), "\"a\u{fffd}\"");
    }
}
