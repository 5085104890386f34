//! Encodes messages from their form in Lua.

use resty_ffi::Error;

use super::any::{TYPE, VALUE, type_of};
use super::decode::seconds_of;
use super::{mask, time};
use crate::encoder::Encoder;
use crate::misfit::{Misfit, quoted, shown};
use crate::msgpack::{Reader, Value};
use crate::types::{MAX_DEPTH, Message, Special};
use crate::wire;

/// Encodes a message from the next value.
pub fn encode(
    encoder: &mut Encoder<'_, '_, '_>,
    special: Special,
    message: &Message,
) -> Result<(), Misfit> {
    match special {
        Special::Wrapper => {
            let field = &message.fields[0];
            encoder.tagged(field.kind, field.number)
        }
        Special::Timestamp => moment(
            encoder,
            message,
            "a time such as \"2026-01-31T12:00:00.5Z\", of the years 1 to 9999",
            time::timestamp,
            time::is_timestamp,
        ),
        Special::Duration => moment(
            encoder,
            message,
            "seconds such as \"1.5s\", of at most 315576000000",
            time::duration,
            time::is_duration,
        ),
        Special::FieldMask => field_mask(encoder, message),
        Special::Value => value(encoder),
        Special::Struct => {
            let next = encoder.reader.next()?;
            structure(encoder, next)
        }
        Special::ListValue => {
            let n = encoder.list_start()?;
            list(encoder, n)
        }
        Special::Any => any(encoder, message),
    }
}

/// A text, or the message's own fields.
fn moment(
    encoder: &mut Encoder<'_, '_, '_>,
    message: &Message,
    wanted: &str,
    parse: impl Fn(&[u8]) -> Option<(i64, i32)>,
    is_valid: impl Fn(i64, i32) -> bool,
) -> Result<(), Misfit> {
    match encoder.reader.next()? {
        Value::Text(text) => {
            let Some((seconds, nanos)) = parse(text) else {
                let text = quoted(text);
                return Err(Misfit::new(format!("must be {wanted}, not {text}")));
            };
            wire::put_tag(encoder.out, 1, wire::VARINT);
            wire::put_varint(encoder.out, seconds as u64);
            wire::put_tag(encoder.out, 2, wire::VARINT);
            wire::put_varint(encoder.out, i64::from(nanos) as u64);
            Ok(())
        }
        Value::Map(n) => {
            let start = encoder.out.len();
            encoder.some_fields(message, n, &mut |_| false)?;
            match seconds_of(&encoder.out[start..]) {
                Ok((seconds, nanos)) if is_valid(seconds, nanos) => Ok(()),
                Ok((seconds, nanos)) => Err(Misfit::new(format!(
                    "must be {wanted}, not {seconds} seconds and {nanos} nanos"
                ))),
                // Cannot happen: the bytes have just been encoded.
                Err(_) => Err(Misfit::new(format!("must be {wanted}"))),
            }
        }
        other => Err(Misfit::must_be(wanted, other)),
    }
}

/// `"a,bC.d"` for the paths `a` and `b_c.d`.
fn field_mask(encoder: &mut Encoder<'_, '_, '_>, message: &Message) -> Result<(), Misfit> {
    match encoder.reader.next()? {
        Value::Text(b"") => Ok(()),
        Value::Text(text) => {
            for path in text.split(|byte| *byte == b',') {
                let snake = std::str::from_utf8(path).ok().and_then(mask::snake);
                let snake = snake.ok_or_else(|| {
                    Misfit::new(format!(
                        "must be paths in lowerCamelCase such as \"name,home.cityName\", but {} is not: \
                         a table such as {{ paths = {{ \"home.city_name\" }} }} takes them as they are",
                        quoted(path)
                    ))
                })?;
                wire::put_bytes(encoder.out, 1, snake.as_bytes());
            }
            Ok(())
        }
        Value::Map(n) => encoder.some_fields(message, n, &mut |_| false),
        other => Err(Misfit::must_be(
            "paths in lowerCamelCase such as \"name,home.cityName\"",
            other,
        )),
    }
}

fn value(encoder: &mut Encoder<'_, '_, '_>) -> Result<(), Misfit> {
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
        Value::Float(_) => return Err(Misfit::must_be("a number that JSON has", next)),
        Value::Text(text) => {
            if std::str::from_utf8(text).is_err() {
                return Err(Misfit::new("must be valid UTF-8, as every string of JSON"));
            }
            wire::put_bytes(encoder.out, 3, text);
            return Ok(());
        }
        Value::Map(_) => 5,
        Value::List(_) => 6,
    };
    if encoder.depth == MAX_DEPTH {
        return Err(Misfit::new(format!(
            "is nested deeper than {MAX_DEPTH} tables"
        )));
    }
    encoder.depth += 1;
    wire::put_tag(encoder.out, number, wire::BYTES);
    let start = wire::open(encoder.out);
    match next {
        Value::List(n) => list(encoder, n)?,
        _ => structure(encoder, next)?,
    }
    wire::close(encoder.out, start);
    encoder.depth -= 1;
    Ok(())
}

fn double(encoder: &mut Encoder<'_, '_, '_>, number: f64) -> Result<(), Misfit> {
    wire::put_tag(encoder.out, 2, wire::FIXED64);
    encoder.out.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

fn structure(encoder: &mut Encoder<'_, '_, '_>, next: Value<'_>) -> Result<(), Misfit> {
    let n = match next {
        Value::Map(n) => n,
        Value::List(0) => 0,
        other => return Err(Misfit::must_be("a table with names", other)),
    };
    for _ in 0..n {
        let key = encoder.reader.next()?;
        let name = match key {
            Value::Text(name) if std::str::from_utf8(name).is_ok() => name,
            other => {
                let what = shown(other);
                return Err(Misfit::new(format!(
                    "a key must be a string of valid UTF-8, not {what}"
                )));
            }
        };
        wire::put_tag(encoder.out, 1, wire::BYTES);
        let entry = wire::open(encoder.out);
        wire::put_bytes(encoder.out, 1, name);
        item(encoder, 2).map_err(|misfit| misfit.in_entry(key))?;
        wire::close(encoder.out, entry);
    }
    Ok(())
}

fn list(encoder: &mut Encoder<'_, '_, '_>, n: usize) -> Result<(), Misfit> {
    (1..=n).try_for_each(|index| item(encoder, 1).map_err(|misfit| misfit.in_item(index)))
}

fn item(encoder: &mut Encoder<'_, '_, '_>, number: u32) -> Result<(), Misfit> {
    wire::put_tag(encoder.out, number, wire::BYTES);
    let start = wire::open(encoder.out);
    value(encoder)?;
    wire::close(encoder.out, start);
    Ok(())
}

/// `{ ["@type"] = URL, … }` with the fields of the message, or with `value` if it has a form of its own.
fn any(encoder: &mut Encoder<'_, '_, '_>, message: &Message) -> Result<(), Misfit> {
    let n = match encoder.reader.next()? {
        Value::Map(n) => n,
        Value::List(0) => 0,
        other => return Err(Misfit::must_be("a table with \"@type\"", other)),
    };
    let (mut url, mut form, mut others) = (None, None, false);
    let mut ahead = encoder.reader;
    for _ in 0..n {
        let key = ahead.next()?;
        let value = ahead.raw()?;
        match key {
            Value::Text(TYPE) => url = Some(value),
            Value::Text(VALUE) => form = Some(value),
            _ => others = true,
        }
    }
    let Some(url) = url else {
        // A table of the message's own fields, which is also the form of an empty Any.
        return encoder.some_fields(message, n, &mut |_| false);
    };
    let of_type = |text: String| Misfit::new(text).in_entry(Value::Text(TYPE));
    let url = Reader::new(url)
        .string()
        .map_err(|_: Error| of_type("must be a string of valid UTF-8".to_owned()))?;
    wire::put_bytes(encoder.out, 1, url.as_bytes());
    wire::put_tag(encoder.out, 2, wire::BYTES);
    let start = wire::open(encoder.out);
    let Some((types, index)) = type_of(encoder.types, message.set, url) else {
        // A value of an unknown type that arrived as bytes can be sent on.
        let bytes = form.and_then(|form| Reader::new(form).bytes().ok());
        let Some(bytes) = bytes.filter(|_| !others) else {
            let url = quoted(url.as_bytes());
            return Err(of_type(format!(
                "names {url}, which none of the loaded files has"
            )));
        };
        if !url.contains('/') {
            let url = quoted(url.as_bytes());
            return Err(of_type(format!(
                "must be a URL such as \"type.googleapis.com/package.Message\", not {url}"
            )));
        }
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
        form: encoder.form,
    };
    match inner.special {
        Some(_) if others => {
            return Err(Misfit::new(format!(
                "must have no other keys than \"@type\" and \"value\", which holds all of a {}",
                inner.name
            )));
        }
        Some(_) => sub
            .message(index)
            .map_err(|misfit| misfit.in_field("value"))?,
        None => sub.some_fields(inner, n, &mut |name| name == TYPE)?,
    }
    encoder.reader = ahead;
    wire::close(encoder.out, start);
    Ok(())
}
