//! From their form in Lua to the message.

use prost_types::{Duration, Timestamp};
use resty_ffi::Error;

use super::{TYPE, VALUE, type_of};
use crate::encode::{Encoder, MAX_DEPTH, Part, Place, refuse};
use crate::msgpack::{Reader, Value};
use crate::types::{Message, Special};
use crate::wire;

type What<'a> = &'a dyn std::fmt::Display;

fn must_be(what: What<'_>, wanted: &str, value: Value<'_>) -> Error {
    refuse(format!("{what} must be {wanted}, not {}", value.name()))
}

/// The message that the next value stands for.
pub fn encode(
    encoder: &mut Encoder<'_, '_, '_>,
    special: Special,
    message: &Message,
    what: What<'_>,
) -> Result<(), Error> {
    match special {
        Special::Wrapper => {
            let part = Part::Whole;
            let field = &message.fields[0];
            encoder.tagged(
                field.kind,
                field.number,
                Place {
                    message,
                    field,
                    part,
                },
            )
        }
        Special::Timestamp => in_text(
            encoder,
            message,
            what,
            "a time such as \"2026-01-31T12:00:00.5Z\"",
            |text| {
                let time: Timestamp = text.parse().ok()?;
                Some((time.seconds, time.nanos))
            },
        ),
        Special::Duration => in_text(encoder, message, what, "seconds such as \"1.5s\"", |text| {
            let duration: Duration = text.parse().ok()?;
            Some((duration.seconds, duration.nanos))
        }),
        Special::FieldMask => field_mask(encoder, message, what),
        Special::Value => value(encoder, what),
        Special::Struct => {
            let next = encoder.reader.next()?;
            structure(encoder, next, what)
        }
        Special::ListValue => {
            let next = encoder.reader.next()?;
            list(encoder, next, what)
        }
        Special::Any => any(encoder, message, what),
    }
}

/// A text, or the message's own fields.
fn in_text(
    encoder: &mut Encoder<'_, '_, '_>,
    message: &Message,
    what: What<'_>,
    wanted: &str,
    parse: impl Fn(&str) -> Option<(i64, i32)>,
) -> Result<(), Error> {
    match encoder.reader.next()? {
        Value::Text(text) => {
            let parsed = std::str::from_utf8(text).ok().and_then(parse);
            let Some((seconds, nanos)) = parsed else {
                return Err(refuse(format!(
                    "{what} must be {wanted}, not \"{}\"",
                    String::from_utf8_lossy(text)
                )));
            };
            wire::put_tag(encoder.out, 1, wire::VARINT);
            wire::put_varint(encoder.out, seconds as u64);
            wire::put_tag(encoder.out, 2, wire::VARINT);
            wire::put_varint(encoder.out, i64::from(nanos) as u64);
            Ok(())
        }
        Value::Map(n) => encoder.some_fields(message, n, &mut |_| false),
        other => Err(must_be(what, wanted, other)),
    }
}

/// `"a,bC.d"` for the paths `a` and `b_c.d`.
fn field_mask(
    encoder: &mut Encoder<'_, '_, '_>,
    message: &Message,
    what: What<'_>,
) -> Result<(), Error> {
    match encoder.reader.next()? {
        Value::Text(text) => {
            let text = std::str::from_utf8(text)
                .map_err(|_| refuse(format!("{what} must be valid UTF-8")))?;
            for path in text.split(',').filter(|path| !path.is_empty()) {
                let mut snake = String::with_capacity(path.len() + 4);
                for letter in path.trim().chars() {
                    if letter.is_ascii_uppercase() {
                        snake.push('_');
                    }
                    snake.push(letter.to_ascii_lowercase());
                }
                wire::put_bytes(encoder.out, 1, snake.as_bytes());
            }
            Ok(())
        }
        Value::Map(n) => encoder.some_fields(message, n, &mut |_| false),
        other => Err(must_be(what, "a text such as \"name,home.city\"", other)),
    }
}

fn value(encoder: &mut Encoder<'_, '_, '_>, what: What<'_>) -> Result<(), Error> {
    let next = encoder.reader.next()?;
    let number = match next {
        Value::Nil | Value::Bool(_) => {
            let (number, bit) = if next == Value::Nil {
                (1, 0)
            } else {
                (4, u64::from(next == Value::Bool(true)))
            };
            wire::put_tag(encoder.out, number, wire::VARINT);
            wire::put_varint(encoder.out, bit);
            return Ok(());
        }
        Value::Int(n) => return double(encoder, n as f64),
        Value::Uint(n) => return double(encoder, n as f64),
        Value::Float(n) if n.is_finite() => return double(encoder, n),
        Value::Float(n) => {
            return Err(refuse(format!(
                "{what} must be a number that JSON has, not {n}"
            )));
        }
        Value::Text(text) => {
            if std::str::from_utf8(text).is_err() {
                return Err(refuse(format!("{what} must be valid UTF-8")));
            }
            wire::put_bytes(encoder.out, 3, text);
            return Ok(());
        }
        Value::Map(_) => 5,
        Value::List(_) => 6,
    };
    if encoder.depth == MAX_DEPTH {
        return Err(refuse(format!(
            "{what} is nested deeper than {MAX_DEPTH} tables"
        )));
    }
    encoder.depth += 1;
    wire::put_tag(encoder.out, number, wire::BYTES);
    let start = wire::open(encoder.out);
    match next {
        Value::List(_) => list(encoder, next, what)?,
        _ => structure(encoder, next, what)?,
    }
    wire::close(encoder.out, start);
    encoder.depth -= 1;
    Ok(())
}

fn double(encoder: &mut Encoder<'_, '_, '_>, number: f64) -> Result<(), Error> {
    wire::put_tag(encoder.out, 2, wire::FIXED64);
    encoder.out.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

fn structure(
    encoder: &mut Encoder<'_, '_, '_>,
    next: Value<'_>,
    what: What<'_>,
) -> Result<(), Error> {
    let n = match next {
        Value::Map(n) => n,
        Value::List(0) => 0,
        other => return Err(must_be(what, "a table with names", other)),
    };
    for _ in 0..n {
        let name = match encoder.reader.next()? {
            Value::Text(name) if std::str::from_utf8(name).is_ok() => name,
            other => {
                return Err(refuse(format!(
                    "a key of {what} must be valid UTF-8, not {}",
                    other.name()
                )));
            }
        };
        wire::put_tag(encoder.out, 1, wire::BYTES);
        let entry = wire::open(encoder.out);
        wire::put_bytes(encoder.out, 1, name);
        item(encoder, 2, what)?;
        wire::close(encoder.out, entry);
    }
    Ok(())
}

fn list(encoder: &mut Encoder<'_, '_, '_>, next: Value<'_>, what: What<'_>) -> Result<(), Error> {
    let n = match next {
        Value::List(n) => n,
        Value::Map(0) => 0,
        other => return Err(must_be(what, "a list", other)),
    };
    (0..n).try_for_each(|_| item(encoder, 1, what))
}

fn item(encoder: &mut Encoder<'_, '_, '_>, number: u32, what: What<'_>) -> Result<(), Error> {
    wire::put_tag(encoder.out, number, wire::BYTES);
    let start = wire::open(encoder.out);
    value(encoder, what)?;
    wire::close(encoder.out, start);
    Ok(())
}

/// `{ ["@type"] = URL, … }` with the fields of the message, or with `value` if it has a form of its own.
fn any(encoder: &mut Encoder<'_, '_, '_>, message: &Message, what: What<'_>) -> Result<(), Error> {
    let n = match encoder.reader.next()? {
        Value::Map(n) => n,
        Value::List(0) => 0,
        other => return Err(must_be(what, "a table with \"@type\"", other)),
    };
    let (mut url, mut form) = (None, None);
    let mut ahead = encoder.reader;
    for _ in 0..n {
        let key = ahead.next()?;
        let value = ahead.raw()?;
        if key == Value::Text(TYPE) {
            url = Some(value);
        } else if key == Value::Text(VALUE) {
            form = Some(value);
        }
    }
    let Some(url) = url else {
        // As the message is defined, which is also how an empty one can be said.
        return encoder.some_fields(message, n, &mut |_| false);
    };
    let url = Reader::new(url)
        .string()
        .map_err(|_| refuse(format!("\"@type\" of {what} must be a string")))?;
    wire::put_bytes(encoder.out, 1, url.as_bytes());
    wire::put_tag(encoder.out, 2, wire::BYTES);
    let start = wire::open(encoder.out);
    let Some((types, index)) = type_of(encoder.types, message.set, url) else {
        // What came as bytes, since its type was not known, can be sent on.
        let Some(Value::Text(bytes)) = form.and_then(|form| Reader::new(form).next().ok()) else {
            return Err(refuse(format!(
                "\"@type\" of {what} names \"{url}\", which none of the loaded files has"
            )));
        };
        encoder.out.extend_from_slice(bytes);
        encoder.reader = ahead;
        wire::close(encoder.out, start);
        return Ok(());
    };
    let inner = &types.messages[index];
    let nil = [0xc0];
    let mut sub = Encoder {
        types,
        reader: match inner.special {
            Some(_) => Reader::new(form.unwrap_or(&nil)),
            None => encoder.reader,
        },
        out: encoder.out,
        depth: encoder.depth,
    };
    match inner.special {
        Some(_) => sub.message(index, what)?,
        None => sub.some_fields(inner, n, &mut |name| name == TYPE)?,
    }
    encoder.reader = ahead;
    wire::close(encoder.out, start);
    Ok(())
}
