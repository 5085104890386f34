//! From the message to its form in Lua.

use prost_types::{Duration, Timestamp};

use super::{TYPE, VALUE, type_of};
use crate::decode::{Decoder, MAX_DEPTH, append, append_with};
use crate::msgpack;
use crate::types::{Message, Special};
use crate::wire::{self, Malformed, Raw};

/// What the message stands for.
pub fn decode<'a>(
    decoder: &mut Decoder<'_, 'a, '_>,
    special: Special,
    message: &Message,
    bytes: &'a [u8],
) -> Result<(), Malformed> {
    match special {
        Special::Wrapper => {
            let mut raw = None;
            each(bytes, |number, value| {
                if number == 1 {
                    raw = Some(value);
                }
                Ok(())
            })?;
            decoder.value_or_zero(message.fields[0].kind, raw)
        }
        Special::Timestamp => {
            let (seconds, nanos) = seconds_of(bytes)?;
            msgpack::put_text(
                decoder.out,
                Timestamp { seconds, nanos }.to_string().as_bytes(),
            );
            Ok(())
        }
        Special::Duration => {
            let (seconds, nanos) = seconds_of(bytes)?;
            msgpack::put_text(
                decoder.out,
                Duration { seconds, nanos }.to_string().as_bytes(),
            );
            Ok(())
        }
        Special::FieldMask => {
            let mut text = Vec::new();
            for path in first_field(bytes)? {
                put_camel(&mut text, path);
            }
            msgpack::put_text(decoder.out, &text);
            Ok(())
        }
        Special::Value => decode_value(decoder.out, bytes, decoder.depth),
        Special::Struct => decode_struct(decoder.out, bytes, decoder.depth),
        Special::ListValue => decode_list(decoder.out, bytes, decoder.depth),
        Special::Any => decode_any(decoder, message.set, bytes),
    }
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

fn seconds_of(bytes: &[u8]) -> Result<(i64, i32), Malformed> {
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

fn put_camel(text: &mut Vec<u8>, path: &[u8]) {
    if !text.is_empty() {
        text.push(b',');
    }
    let mut upper = false;
    for byte in path {
        match byte {
            b'_' => upper = true,
            byte => {
                text.push(if upper {
                    byte.to_ascii_uppercase()
                } else {
                    *byte
                });
                upper = false;
            }
        }
    }
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
    let mut last = None;
    each(bytes, |number, raw| {
        last = Some((number, raw));
        Ok(())
    })?;
    match last {
        Some((2, Raw::Fixed64(n))) => msgpack::put_float(out, f64::from_bits(n)),
        Some((3, Raw::Bytes(text))) => msgpack::put_text(out, text),
        Some((4, Raw::Varint(n))) => msgpack::put_bool(out, n != 0),
        Some((5, Raw::Bytes(bytes))) => decode_struct(out, bytes, depth)?,
        Some((6, Raw::Bytes(bytes))) => decode_list(out, bytes, depth)?,
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
        msgpack::put_text(out, name);
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
    if url.is_empty() {
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
            append_with(types, index, value, decoder.out, decoder.depth, &head)
        }
        Some((types, index)) => {
            msgpack::put_map(decoder.out, 2);
            decoder.out.extend_from_slice(&head);
            msgpack::put_text(decoder.out, VALUE);
            append(types, index, value, decoder.out, decoder.depth)
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
