//! A Lua table, in MessagePack, to a message of protobuf.
//!
//! Names and forms are those of protobuf's JSON mapping, except that `bytes` are bytes.

use resty_ffi::{Error, code};

use crate::msgpack::{Reader, Value};
use crate::special;
use crate::types::{Field, Kind, Message, Shape, Special, Types};
use crate::wire;

/// Messages in messages. The Lua side nests no deeper.
pub const MAX_DEPTH: usize = 100;

/// How many names a message lists.
const MAX_NAMES: usize = 30;

/// The message, whose table is all that `table` holds.
pub fn encode(types: &Types, message: usize, table: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(table.len());
    let mut encoder = Encoder {
        types,
        reader: Reader::new(table),
        out: &mut out,
        depth: 0,
    };
    encoder.message(message, &"the message")?;
    Ok(out)
}

pub fn refuse(text: String) -> Error {
    Error::new(code::BAD_ARGUMENT, text)
}

pub struct Encoder<'t, 'r, 'o> {
    pub types: &'t Types,
    pub reader: Reader<'r>,
    pub out: &'o mut Vec<u8>,
    pub depth: usize,
}

/// What a value is for, to be named when it does not fit.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub message: &'a Message,
    pub field: &'a Field,
    pub part: Part,
}

#[derive(Clone, Copy)]
pub enum Part {
    Whole,
    Item,
    Key,
    Value,
}

impl Place<'_> {
    pub fn must_be(&self, what: &str, value: Value<'_>) -> Error {
        refuse(format!("{self} must be {what}, not {}", shown(value)))
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.part {
            Part::Whole => "field",
            Part::Item => "an item of field",
            Part::Key => "a key of field",
            Part::Value => "a value of field",
        })?;
        write!(f, " \"{}\" of {}", self.field.name, self.message.name)
    }
}

/// Numbers with their value; what is long or may be secret only by its kind.
fn shown(value: Value<'_>) -> String {
    match value {
        Value::Int(n) => format!("the number {n}"),
        Value::Uint(n) => format!("the number {n}"),
        Value::Float(n) => format!("the number {n}"),
        other => other.name().to_owned(),
    }
}

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

/// Which fields of a message have been set.
#[derive(Default)]
struct Seen {
    first: u64,
    rest: Vec<usize>,
}

impl Seen {
    fn has(&self, index: usize) -> bool {
        if index < 64 {
            self.first >> index & 1 != 0
        } else {
            self.rest.contains(&index)
        }
    }

    fn add(&mut self, index: usize) {
        if index < 64 {
            self.first |= 1 << index
        } else {
            self.rest.push(index)
        }
    }
}

impl<'r> Encoder<'_, 'r, '_> {
    /// The fields of a message, without a length before them. `what` is named when the value is no table.
    pub fn message(&mut self, index: usize, what: &dyn std::fmt::Display) -> Result<(), Error> {
        let types = self.types;
        let message = &types.messages[index];
        if self.depth == MAX_DEPTH {
            return Err(refuse(format!(
                "{what} is nested deeper than {MAX_DEPTH} messages"
            )));
        }
        self.depth += 1;
        match message.special {
            Some(special) => special::encode(self, special, message, what)?,
            None => self.fields(message, what)?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn fields(&mut self, message: &Message, what: &dyn std::fmt::Display) -> Result<(), Error> {
        let n = match self.reader.next()? {
            Value::Map(n) => n,
            // Lua has one empty table.
            Value::List(0) => 0,
            other => {
                let name = &message.name;
                return Err(refuse(format!(
                    "{what} must be a table of the fields of {name}, not {}",
                    other.name()
                )));
            }
        };
        self.some_fields(message, n, &mut |_| false)
    }

    /// `n` names with their values; `skip` says which are not the message's.
    pub fn some_fields(
        &mut self,
        message: &Message,
        n: usize,
        skip: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Error> {
        let mut seen = Seen::default();
        for _ in 0..n {
            let name = match self.reader.next()? {
                Value::Text(name) => name,
                other => {
                    let text = format!(
                        "a key of {} must be the name of a field, not {}",
                        message.name,
                        shown(other)
                    );
                    return Err(refuse(text));
                }
            };
            if skip(name) {
                self.reader.skip()?;
                continue;
            }
            let index = message.field(name).ok_or_else(|| unknown(message, name))?;
            let field = &message.fields[index];
            let mut ahead = self.reader;
            if ahead.next()? == Value::Nil && !self.takes_nil(field) {
                self.reader = ahead;
                continue;
            }
            if seen.has(index) {
                let text = format!(
                    "field \"{}\" of {} is given twice, by two names",
                    field.name, message.name
                );
                return Err(refuse(text));
            }
            seen.add(index);
            self.field(message, field)?;
        }
        if !message.oneofs.is_empty() {
            one_of_each(message, &seen)?;
        }
        if message.has_required {
            let mut missing = message.fields.iter().enumerate();
            if let Some((_, field)) =
                missing.find(|(index, field)| field.required && !seen.has(*index))
            {
                return Err(refuse(format!(
                    "field \"{}\" of {} is required",
                    field.name, message.name
                )));
            }
        }
        Ok(())
    }

    /// Whether nil, which is ngx.null in Lua, is a value and not the absence of one.
    fn takes_nil(&self, field: &Field) -> bool {
        match (field.shape, field.kind) {
            (Shape::Single, Kind::Message(index)) => {
                self.types.messages[index].special == Some(Special::Value)
            }
            (Shape::Single, Kind::Enum(index)) => self.types.enums[index].is_null,
            _ => false,
        }
    }

    fn field(&mut self, message: &Message, field: &Field) -> Result<(), Error> {
        let mut place = Place {
            message,
            field,
            part: Part::Whole,
        };
        match field.shape {
            Shape::Single => self.tagged(field.kind, field.number, place),
            Shape::List { packed } => {
                let n = match self.reader.next()? {
                    Value::List(n) => n,
                    Value::Map(0) => 0,
                    other => return Err(place.must_be("a list", other)),
                };
                place.part = Part::Item;
                if !packed {
                    return (0..n).try_for_each(|_| self.tagged(field.kind, field.number, place));
                }
                if n > 0 {
                    wire::put_tag(self.out, field.number, wire::BYTES);
                    let start = wire::open(self.out);
                    for _ in 0..n {
                        self.scalar(field.kind, place)?;
                    }
                    wire::close(self.out, start);
                }
                Ok(())
            }
            Shape::Map { key, value } => self.map(key, value, place),
        }
    }

    fn map(&mut self, key: Kind, value: Kind, place: Place<'_>) -> Result<(), Error> {
        let (n, is_list) = match self.reader.next()? {
            Value::Map(n) => (n, false),
            // Lua's { "a", "b" } is { [1] = "a", [2] = "b" }.
            Value::List(n) => (n, n > 0),
            other => return Err(place.must_be("a table", other)),
        };
        let at = |part| Place { part, ..place };
        for number in 1..=n {
            wire::put_tag(self.out, place.field.number, wire::BYTES);
            let start = wire::open(self.out);
            if is_list {
                self.counted(key, number, at(Part::Key))?;
            } else {
                self.tagged(key, 1, at(Part::Key))?;
            }
            self.tagged(value, 2, at(Part::Value))?;
            wire::close(self.out, start);
        }
        Ok(())
    }

    /// The key of a list's item.
    fn counted(&mut self, key: Kind, number: usize, place: Place<'_>) -> Result<(), Error> {
        let mut text = Vec::new();
        crate::msgpack::put_int(&mut text, number as i64);
        let mut inner = Encoder {
            types: self.types,
            reader: Reader::new(&text),
            out: self.out,
            depth: self.depth,
        };
        inner.tagged(key, 1, place)
    }

    /// A value with its tag.
    pub fn tagged(&mut self, kind: Kind, number: u32, place: Place<'_>) -> Result<(), Error> {
        match kind {
            Kind::Message(index) => {
                wire::put_tag(self.out, number, wire::BYTES);
                let start = wire::open(self.out);
                self.message(index, &place)?;
                wire::close(self.out, start);
                Ok(())
            }
            Kind::Group(index) => {
                wire::put_tag(self.out, number, wire::GROUP);
                self.message(index, &place)?;
                wire::put_tag(self.out, number, wire::END);
                Ok(())
            }
            _ => {
                wire::put_tag(self.out, number, wire_type(kind));
                self.scalar(kind, place)
            }
        }
    }

    /// A value that is no message.
    fn scalar(&mut self, kind: Kind, place: Place<'_>) -> Result<(), Error> {
        let value = self.reader.next()?;
        match kind {
            Kind::String | Kind::Bytes => self.text(kind, value, place)?,
            Kind::Bool => match (value, place.part) {
                (Value::Bool(value), _) => self.out.push(value.into()),
                (Value::Text(b"true"), Part::Key) => self.out.push(1),
                (Value::Text(b"false"), Part::Key) => self.out.push(0),
                _ => return Err(place.must_be("a boolean", value)),
            },
            Kind::Double => {
                let number = float(value).ok_or_else(|| place.must_be("a number", value))?;
                self.out.extend_from_slice(&number.to_le_bytes());
            }
            Kind::Float => {
                let number = float(value).ok_or_else(|| place.must_be("a number", value))?;
                if number.is_finite() && (number as f32).is_infinite() {
                    return Err(place.must_be("a float", value));
                }
                self.out.extend_from_slice(&(number as f32).to_le_bytes());
            }
            Kind::Enum(index) => {
                let number = self.enumerated(index, value, place)?;
                wire::put_varint(self.out, i64::from(number) as u64);
            }
            _ => self.integer(kind, value, place)?,
        }
        Ok(())
    }

    fn text(&mut self, kind: Kind, value: Value<'_>, place: Place<'_>) -> Result<(), Error> {
        let Value::Text(text) = value else {
            return Err(place.must_be("a string", value));
        };
        if kind == Kind::String && std::str::from_utf8(text).is_err() {
            let text = format!(
                "{place} must be valid UTF-8, as every string of protobuf: only bytes may be anything"
            );
            return Err(refuse(text));
        }
        wire::put_varint(self.out, text.len() as u64);
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn enumerated(&self, index: usize, value: Value<'_>, place: Place<'_>) -> Result<i32, Error> {
        let descriptor = &self.types.enums[index];
        let number = match value {
            Value::Text(name) => descriptor.number(name),
            Value::Nil if descriptor.is_null => Some(0),
            _ => integer(value).and_then(|number| i32::try_from(number).ok()),
        };
        let known = |number: &i32| !descriptor.closed || descriptor.name(*number).is_some();
        number.filter(known).ok_or_else(|| {
            let what = match value {
                Value::Text(text) => format!("\"{}\"", String::from_utf8_lossy(text)),
                other => shown(other),
            };
            let names = list_of(descriptor.names.iter().map(String::as_str));
            let name = &descriptor.name;
            refuse(format!(
                "{place} must be a value of {name} ({names}) or its number, not {what}"
            ))
        })
    }

    fn integer(&mut self, kind: Kind, value: Value<'_>, place: Place<'_>) -> Result<(), Error> {
        let (name, min, max) = range(kind);
        let number = integer(value).filter(|number| (min..=max).contains(number));
        let number = number.ok_or_else(|| place.must_be(name, value))?;
        // It is within the range of the kind, so that no bit is lost.
        match kind {
            Kind::Sint32 | Kind::Sint64 => wire::put_varint(self.out, wire::zigzag(number as i64)),
            Kind::Fixed32 | Kind::Sfixed32 => {
                self.out.extend_from_slice(&(number as u32).to_le_bytes())
            }
            Kind::Fixed64 | Kind::Sfixed64 => {
                self.out.extend_from_slice(&(number as u64).to_le_bytes())
            }
            _ => wire::put_varint(self.out, number as u64),
        }
        Ok(())
    }
}

fn wire_type(kind: Kind) -> u32 {
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

/// A whole number, also as decimal digits in a string.
fn integer(value: Value<'_>) -> Option<i128> {
    match value {
        Value::Int(number) => Some(number.into()),
        Value::Uint(number) => Some(number.into()),
        // 2^64 and beyond fit no kind, and are exact here.
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 1e30 => {
            Some(number as i128)
        }
        Value::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
        _ => None,
    }
}

fn float(value: Value<'_>) -> Option<f64> {
    match value {
        Value::Int(number) => Some(number as f64),
        Value::Uint(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        Value::Text(b"NaN") => Some(f64::NAN),
        Value::Text(b"Infinity") => Some(f64::INFINITY),
        Value::Text(b"-Infinity") => Some(f64::NEG_INFINITY),
        Value::Text(text) => {
            let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            number.is_finite().then_some(number)
        }
        _ => None,
    }
}

fn one_of_each(message: &Message, seen: &Seen) -> Result<(), Error> {
    let mut first: Vec<Option<&str>> = vec![None; message.oneofs.len()];
    for (index, field) in message.fields.iter().enumerate() {
        let Some(oneof) = field.oneof.filter(|_| seen.has(index)) else {
            continue;
        };
        if let Some(other) = first[oneof].replace(&field.name) {
            let (name, oneof) = (&message.name, &message.oneofs[oneof]);
            let text = format!(
                "the fields \"{other}\" and \"{}\" of {name} exclude each other (oneof {oneof}): set one of them",
                field.name
            );
            return Err(refuse(text));
        }
    }
    Ok(())
}

fn unknown(message: &Message, name: &[u8]) -> Error {
    let names = list_of(message.fields.iter().map(|field| field.name.as_str()));
    let name = String::from_utf8_lossy(name);
    refuse(format!(
        "{} has no field \"{name}\"; its fields are: {names}",
        message.name
    ))
}
