//! Decodes messages into their form in Lua.

use std::borrow::Cow;

use prost_types::{Duration, Timestamp};

use super::any::{TYPE, VALUE, type_of};
use super::{mask, time};
use crate::decoder::{Decoder, is_of};
use crate::msgpack;
use crate::types::{MAX_DEPTH, Message, Special};
use crate::wire::{self, Malformed, Raw};

/// Writes the form of a message. Times and paths without a text in JSON are tables of the message's fields.
pub fn decode<'t, 'a>(
    decoder: &mut Decoder<'t, 'a, '_>,
    special: Special,
    message: &'t Message,
    bytes: &'a [u8],
) -> Result<(), Malformed> {
    match special {
        Special::Wrapper => {
            let kind = message.fields[0].kind;
            let mut raw = None;
            each(bytes, |number, value| {
                if number == 1 && is_of(kind, value) {
                    raw = Some(value);
                }
                Ok(())
            })?;
            decoder.value_or_zero(kind, raw)
        }
        Special::Timestamp => match seconds_of(bytes)? {
            (seconds, nanos) if time::is_timestamp(seconds, nanos) => {
                put_text(decoder, &Timestamp { seconds, nanos });
                Ok(())
            }
            _ => decoder.fields(message, bytes, &[]),
        },
        Special::Duration => match seconds_of(bytes)? {
            (seconds, nanos) if time::is_duration(seconds, nanos) => {
                put_text(decoder, &Duration { seconds, nanos });
                Ok(())
            }
            _ => decoder.fields(message, bytes, &[]),
        },
        Special::FieldMask => {
            let paths = first_field(bytes)?;
            let camel: Option<Vec<String>> = paths.into_iter().map(mask::camel).collect();
            match camel {
                Some(paths) => {
                    msgpack::put_text(decoder.out, paths.join(",").as_bytes());
                    Ok(())
                }
                None => decoder.fields(message, bytes, &[]),
            }
        }
        Special::Value => decode_value(decoder.out, bytes, decoder.depth),
        Special::Struct => decode_struct(decoder.out, bytes, decoder.depth),
        Special::ListValue => decode_list(decoder.out, bytes, decoder.depth),
        Special::Any => decode_any(decoder, message.set, bytes),
    }
}

fn put_text(decoder: &mut Decoder<'_, '_, '_>, text: &dyn std::fmt::Display) {
    msgpack::put_text(decoder.out, text.to_string().as_bytes());
}

fn each<'a>(
    mut bytes: &'a [u8],
    mut take: impl FnMut(u32, Raw<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    while !bytes.is_empty() {
        let (number, raw) = wire::field(&mut bytes)?;
        take(number, raw)?;
    }
    Ok(())
}

/// The values of the first field, which is repeated.
fn first_field(bytes: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut values = Vec::new();
    each(bytes, |number, raw| {
        if let (1, Raw::Bytes(value)) = (number, raw) {
            values.push(value);
        }
        Ok(())
    })?;
    Ok(values)
}

pub fn seconds_of(bytes: &[u8]) -> Result<(i64, i32), Malformed> {
    let (mut seconds, mut nanos) = (0, 0);
    each(bytes, |number, raw| {
        match (number, raw) {
            (1, Raw::Varint(n)) => seconds = n as i64,
            (2, Raw::Varint(n)) => nanos = n as i32,
            _ => {}
        }
        Ok(())
    })?;
    Ok((seconds, nanos))
}

fn utf8(text: &[u8]) -> Result<&[u8], Malformed> {
    std::str::from_utf8(text)
        .map(str::as_bytes)
        .map_err(|_| Malformed)
}

fn deeper(depth: usize) -> Result<usize, Malformed> {
    if depth < MAX_DEPTH {
        Ok(depth + 1)
    } else {
        Err(Malformed)
    }
}

fn decode_value(out: &mut Vec<u8>, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    let depth = deeper(depth)?;
    let mut last = (1, Raw::Varint(0));
    let mut body = Cow::Borrowed(&[][..]);
    each(bytes, |number, raw| {
        match (number, raw) {
            // A message in several parts is joined to one.
            (5 | 6, Raw::Bytes(part)) if number == last.0 => body.to_mut().extend_from_slice(part),
            (5 | 6, Raw::Bytes(whole)) => body = Cow::Borrowed(whole),
            (1 | 4, Raw::Varint(_)) | (2, Raw::Fixed64(_)) | (3, Raw::Bytes(_)) => {}
            _ => return Ok(()),
        }
        last = (number, raw);
        Ok(())
    })?;
    match last {
        (2, Raw::Fixed64(n)) => msgpack::put_float(out, f64::from_bits(n)),
        (3, Raw::Bytes(text)) => msgpack::put_text(out, utf8(text)?),
        (4, Raw::Varint(n)) => msgpack::put_bool(out, n != 0),
        (5, _) => decode_struct(out, &body, depth)?,
        (6, _) => decode_list(out, &body, depth)?,
        _ => msgpack::put_null(out),
    }
    Ok(())
}

fn decode_struct(out: &mut Vec<u8>, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    let entries = first_field(bytes)?;
    msgpack::put_map(out, entries.len());
    for entry in entries {
        let (mut name, mut value) = (&[][..], &[][..]);
        each(entry, |number, raw| {
            match (number, raw) {
                (1, Raw::Bytes(bytes)) => name = bytes,
                (2, Raw::Bytes(bytes)) => value = bytes,
                _ => {}
            }
            Ok(())
        })?;
        msgpack::put_text(out, utf8(name)?);
        decode_value(out, value, depth)?;
    }
    Ok(())
}

fn decode_list(out: &mut Vec<u8>, bytes: &[u8], depth: usize) -> Result<(), Malformed> {
    let items = first_field(bytes)?;
    msgpack::put_list(out, items.len());
    items
        .into_iter()
        .try_for_each(|item| decode_value(out, item, depth))
}

pub fn decode_any(
    decoder: &mut Decoder<'_, '_, '_>,
    set: usize,
    bytes: &[u8],
) -> Result<(), Malformed> {
    let (mut url, mut value) = (&[][..], &[][..]);
    each(bytes, |number, raw| {
        match (number, raw) {
            (1, Raw::Bytes(bytes)) => url = bytes,
            (2, Raw::Bytes(bytes)) => value = bytes,
            _ => {}
        }
        Ok(())
    })?;
    if url.is_empty() && value.is_empty() {
        msgpack::put_map(decoder.out, 0);
        return Ok(());
    }
    let mut head = Vec::new();
    msgpack::put_text(&mut head, TYPE);
    msgpack::put_text(&mut head, url);
    let known = std::str::from_utf8(url)
        .ok()
        .and_then(|url| type_of(decoder.types, set, url));
    match known {
        Some((types, index)) if types.messages[index].special.is_none() => {
            let message = &types.messages[index];
            decoder.inner(types).fields(message, value, &head)
        }
        Some((types, index)) => {
            msgpack::put_map(decoder.out, 2);
            decoder.out.extend_from_slice(&head);
            msgpack::put_text(decoder.out, VALUE);
            decoder.inner(types).message(index, value)
        }
        // A table of the message's fields: an invalid URL in "@type" could not be sent on.
        None if !url.contains(&b'/') => {
            msgpack::put_map(decoder.out, 2);
            for text in [&b"type_url"[..], url, VALUE, value] {
                msgpack::put_text(decoder.out, text);
            }
            Ok(())
        }
        None => {
            msgpack::put_map(decoder.out, 2);
            decoder.out.extend_from_slice(&head);
            msgpack::put_text(decoder.out, VALUE);
            msgpack::put_text(decoder.out, value);
            Ok(())
        }
    }
}
