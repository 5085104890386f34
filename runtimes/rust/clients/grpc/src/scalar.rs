//! Encodes Lua values other than messages.

use crate::misfit::{Misfit, quoted, shown};
use crate::msgpack::Value;
use crate::number;
use crate::refusal::list_of;
use crate::types::{Kind, Types};
use crate::wire;

pub fn put(types: &Types, out: &mut Vec<u8>, kind: Kind, value: Value<'_>) -> Result<(), Misfit> {
    match kind {
        Kind::String | Kind::Bytes => return put_text(out, kind, value),
        Kind::Bool => match value {
            Value::Bool(value) => out.push(value.into()),
            _ => return Err(Misfit::must_be("a boolean", value)),
        },
        Kind::Double => {
            let number = float(value).ok_or_else(|| no_number("a number", value))?;
            out.extend_from_slice(&number.to_le_bytes());
        }
        Kind::Float => {
            // A number that is too large for a float would become infinite.
            let number = float(value)
                .map(|number| (number, number as f32))
                .filter(|(number, float)| number.is_infinite() == float.is_infinite());
            let (_, float) = number.ok_or_else(|| no_number("a float", value))?;
            out.extend_from_slice(&float.to_le_bytes());
        }
        Kind::Enum(index) => {
            let number = enumerated(types, index, value)?;
            wire::put_varint(out, i64::from(number) as u64);
        }
        _ => {
            let (name, min, max) = range(kind);
            let number = integer(value).filter(|number| (min..=max).contains(number));
            put_integer(out, kind, number.ok_or_else(|| no_number(name, value))?);
        }
    }
    Ok(())
}

/// The value of a map's key: JSON writes boolean keys as strings.
pub fn key(kind: Kind, value: Value<'_>) -> Value<'_> {
    match (kind, value) {
        (Kind::Bool, Value::Text(b"true")) => Value::Bool(true),
        (Kind::Bool, Value::Text(b"false")) => Value::Bool(false),
        _ => value,
    }
}

/// The identity of a map's key: Lua takes 1, "1" and 1LL for different keys.
pub fn identity(value: Value<'_>) -> Option<i128> {
    match value {
        Value::Bool(value) => Some(value.into()),
        _ => integer(value),
    }
}

fn no_number(name: &str, value: Value<'_>) -> Misfit {
    let what = match value {
        Value::Text(text) => format!("the text {}", quoted(text)),
        other => shown(other),
    };
    Misfit::new(format!("must be {name} or its decimal text, not {what}"))
}

fn put_text(out: &mut Vec<u8>, kind: Kind, value: Value<'_>) -> Result<(), Misfit> {
    let Value::Text(text) = value else {
        return Err(Misfit::must_be("a string", value));
    };
    if kind == Kind::String && std::str::from_utf8(text).is_err() {
        return Err(Misfit::new(
            "must be valid UTF-8, as every string of protobuf: only bytes may be anything",
        ));
    }
    wire::put_varint(out, text.len() as u64);
    out.extend_from_slice(text);
    Ok(())
}

fn enumerated(types: &Types, index: usize, value: Value<'_>) -> Result<i32, Misfit> {
    let descriptor = &types.enums[index];
    let number = match value {
        Value::Text(name) => descriptor.number(name),
        Value::Nil if descriptor.is_null => Some(0),
        _ => integer(value).and_then(|number| i32::try_from(number).ok()),
    };
    let known = |number: &i32| !descriptor.closed || descriptor.name(*number).is_some();
    number.filter(known).ok_or_else(|| {
        let what = match value {
            Value::Text(text) => quoted(text),
            other => shown(other),
        };
        let names = list_of(descriptor.names.iter().map(String::as_str));
        let name = &descriptor.name;
        Misfit::new(format!(
            "must be a value of {name} ({names}) or its number, not {what}"
        ))
    })
}

/// The caller has checked that the number is in the range of the kind, so no bit is lost.
fn put_integer(out: &mut Vec<u8>, kind: Kind, number: i128) {
    match kind {
        Kind::Sint32 | Kind::Sint64 => wire::put_varint(out, wire::zigzag(number as i64)),
        Kind::Fixed32 | Kind::Sfixed32 => out.extend_from_slice(&(number as u32).to_le_bytes()),
        Kind::Fixed64 | Kind::Sfixed64 => out.extend_from_slice(&(number as u64).to_le_bytes()),
        _ => wire::put_varint(out, number as u64),
    }
}

pub fn wire_type(kind: Kind) -> u32 {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => wire::FIXED64,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => wire::FIXED32,
        Kind::String | Kind::Bytes | Kind::Message(_) => wire::BYTES,
        Kind::Group(_) => wire::GROUP,
        _ => wire::VARINT,
    }
}

fn range(kind: Kind) -> (&'static str, i128, i128) {
    let (int32, int64) = (
        (i32::MIN.into(), i32::MAX.into()),
        (i64::MIN.into(), i64::MAX.into()),
    );
    let (uint32, uint64) = ((0, u32::MAX.into()), (0, u64::MAX.into()));
    let (name, (min, max)) = match kind {
        Kind::Int32 => ("an int32", int32),
        Kind::Sint32 => ("a sint32", int32),
        Kind::Sfixed32 => ("a sfixed32", int32),
        Kind::Uint32 => ("a uint32", uint32),
        Kind::Fixed32 => ("a fixed32", uint32),
        Kind::Int64 => ("an int64", int64),
        Kind::Sint64 => ("a sint64", int64),
        Kind::Sfixed64 => ("a sfixed64", int64),
        Kind::Uint64 => ("a uint64", uint64),
        _ => ("a fixed64", uint64),
    };
    (name, min, max)
}

/// The whole number of a value, which may be a text.
fn integer(value: Value<'_>) -> Option<i128> {
    match value {
        Value::Int(number) => Some(number.into()),
        Value::Uint(number) => Some(number.into()),
        // Such floats are exact as i128, also beyond the range of all kinds.
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e30 => {
            Some(number as i128)
        }
        Value::Text(text) => number::integer(text),
        _ => None,
    }
}

fn float(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(number as f64),
        Value::Uint(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::Text(text) => number::float(text),
        _ => None,
    }
}
