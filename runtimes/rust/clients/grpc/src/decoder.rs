//! Converts the fields of a message into a Lua table, in MessagePack.

use std::ops::Range;

use crate::msgpack;
use crate::types::{Field, Kind, MAX_DEPTH, Message, Shape, Special, Types, put_zero};
use crate::wire::{self, Malformed, Raw};

/// Decodes a message with a form of its own.
pub type Form = for<'t, 'a> fn(
    &mut Decoder<'t, 'a, '_>,
    Special,
    &'t Message,
    &'a [u8],
) -> Result<(), Malformed>;

/// Reads a message and writes a table, along the types. `form` decodes messages with a form of their own.
pub struct Decoder<'t, 'a, 'o> {
    pub types: &'t Types,
    /// The values of the messages that are being read, each with the index of its field.
    found: Vec<(usize, Raw<'a>)>,
    pub out: &'o mut Vec<u8>,
    pub depth: usize,
    form: Form,
}

impl<'t, 'a, 'o> Decoder<'t, 'a, 'o> {
    pub fn new(types: &'t Types, out: &'o mut Vec<u8>, form: Form) -> Self {
        Self {
            types,
            found: Vec::new(),
            out,
            depth: 0,
            form,
        }
    }

    /// A decoder for an inner message, with its own types and bytes.
    pub fn inner<'s, 'b>(&'s mut self, types: &'s Types) -> Decoder<'s, 'b, 's> {
        Decoder {
            types,
            found: Vec::new(),
            out: self.out,
            depth: self.depth,
            form: self.form,
        }
    }

    pub fn message(&mut self, index: usize, bytes: &'a [u8]) -> Result<(), Malformed> {
        if self.depth == MAX_DEPTH {
            return Err(Malformed);
        }
        self.depth += 1;
        let message = &self.types.messages[index];
        match message.special {
            Some(special) => (self.form)(self, special, message, bytes)?,
            None => self.fields(message, bytes, &[])?,
        }
        self.depth -= 1;
        Ok(())
    }

    /// Writes a table of the fields. `head` is the table's first entry, or empty.
    pub fn fields(
        &mut self,
        message: &'t Message,
        bytes: &'a [u8],
        head: &[u8],
    ) -> Result<(), Malformed> {
        let base = self.found.len();
        self.find(message, bytes, base)?;
        let end = self.found.len();
        let mut previous = None;
        let unfilled = self.found[base..].iter().filter(|(index, _)| {
            previous.replace(*index) != Some(*index) && message.fields[*index].fill.is_none()
        });
        let count = message.filled + unfilled.count() + usize::from(!head.is_empty());
        msgpack::put_map(self.out, count);
        self.out.extend_from_slice(head);
        let mut at = base;
        for (index, field) in message.fields.iter().enumerate() {
            let first = at;
            while at < end && self.found[at].0 == index {
                at += 1;
            }
            if first < at {
                self.out.extend_from_slice(&field.key);
                self.field(field, first..at)?;
            } else if let Some(fill) = &field.fill {
                self.out.extend_from_slice(fill);
            }
        }
        self.found.truncate(base);
        Ok(())
    }

    /// Adds the known values of the message, in the order of the fields.
    fn find(
        &mut self,
        message: &Message,
        mut bytes: &'a [u8],
        base: usize,
    ) -> Result<(), Malformed> {
        let mut last = 0;
        let mut sorted = true;
        let mut oneofs = 0;
        while !bytes.is_empty() {
            let (number, raw) = wire::field(&mut bytes)?;
            let Some(index) = message.numbered(number) else {
                continue;
            };
            let field = &message.fields[index];
            if !self.fits(field, raw) {
                continue;
            }
            oneofs += usize::from(field.oneof.is_some());
            sorted &= index >= last;
            last = index;
            self.found.push((index, raw));
        }
        if oneofs > 1 {
            self.keep_last_of_oneofs(message, base);
        }
        if !sorted {
            self.found[base..].sort_by_key(|(index, _)| *index);
        }
        Ok(())
    }

    /// Keeps the last field of each oneof, with its parts since any other field of the oneof.
    fn keep_last_of_oneofs(&mut self, message: &Message, base: usize) {
        let mut set: Vec<Option<usize>> = vec![None; message.oneofs.len()];
        let mut closed = vec![false; message.oneofs.len()];
        let mut keep = vec![true; self.found.len() - base];
        for (at, (index, _)) in self.found[base..].iter().enumerate().rev() {
            let Some(oneof) = message.fields[*index].oneof else {
                continue;
            };
            closed[oneof] |= *set[oneof].get_or_insert(*index) != *index;
            keep[at] = !closed[oneof];
        }
        let found = self.found.split_off(base);
        let kept = found.into_iter().zip(keep).filter(|(_, keep)| *keep);
        self.found.extend(kept.map(|(found, _)| found));
    }

    /// Whether the value is of the field's kind. Other values count as unknown.
    fn fits(&self, field: &Field, raw: Raw<'_>) -> bool {
        let packed = matches!(raw, Raw::Bytes(_)) && is_packable(field.kind);
        is_of(field.kind, raw) && self.knows(field.kind, raw)
            || packed && matches!(field.shape, Shape::List { .. })
    }

    fn is_closed(&self, kind: Kind) -> bool {
        matches!(kind, Kind::Enum(index) if self.types.enums[index].closed)
    }

    /// Whether the enum has the value. A closed enum has only values with a name.
    fn knows(&self, kind: Kind, raw: Raw<'_>) -> bool {
        match (kind, raw) {
            (Kind::Enum(index), Raw::Varint(n)) => {
                let values = &self.types.enums[index];
                !values.closed || values.name(n as i32).is_some()
            }
            _ => true,
        }
    }

    fn knows_entry(&self, value: Kind, raw: Raw<'_>) -> bool {
        let Raw::Bytes(mut entry) = raw else {
            return false;
        };
        let mut known = true;
        while self.is_closed(value) && !entry.is_empty() {
            match wire::field(&mut entry) {
                Ok((2, raw)) => known = self.knows(value, raw),
                Ok(_) => {}
                // Reading the entry reports the error.
                Err(Malformed) => return true,
            }
        }
        known
    }

    fn known_count(&self, kind: Kind, mut packed: &[u8]) -> Result<usize, Malformed> {
        let mut count = 0;
        while !packed.is_empty() {
            count += usize::from(self.knows(kind, unpack(kind, &mut packed)?));
        }
        Ok(count)
    }

    fn field(&mut self, field: &'t Field, places: Range<usize>) -> Result<(), Malformed> {
        match field.shape {
            Shape::Single => {
                let raw = self.found[places.end - 1].1;
                match field.kind {
                    Kind::Message(index) | Kind::Group(index) if places.len() > 1 => {
                        self.merged(index, places)
                    }
                    kind => self.value(kind, raw),
                }
            }
            Shape::List { .. } => self.list(field.kind, places),
            Shape::Map { key, value } => {
                let entries = self.found[places.clone()].iter();
                let known = entries.filter(|(_, raw)| self.knows_entry(value, *raw));
                msgpack::put_map(self.out, known.count());
                for place in places {
                    let raw = self.found[place].1;
                    if let (Raw::Bytes(entry), true) = (raw, self.knows_entry(value, raw)) {
                        self.entry(key, value, entry)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Reads a message in several parts, which are joined to one.
    fn merged(&mut self, index: usize, places: Range<usize>) -> Result<(), Malformed> {
        let mut whole = Vec::new();
        for (_, raw) in &self.found[places] {
            if let Raw::Bytes(bytes) | Raw::Group(bytes) = raw {
                whole.extend_from_slice(bytes);
            }
        }
        self.inner(self.types).message(index, &whole)
    }

    fn list(&mut self, kind: Kind, places: Range<usize>) -> Result<(), Malformed> {
        let mut count = 0;
        for (_, raw) in &self.found[places.clone()] {
            count += match raw {
                Raw::Bytes(packed) if self.is_closed(kind) => self.known_count(kind, packed)?,
                Raw::Bytes(packed) if is_packable(kind) => packed_count(kind, packed)?,
                _ => 1,
            };
        }
        msgpack::put_list(self.out, count);
        for place in places {
            match self.found[place].1 {
                Raw::Bytes(mut packed) if is_packable(kind) => {
                    while !packed.is_empty() {
                        let raw = unpack(kind, &mut packed)?;
                        if self.knows(kind, raw) {
                            self.value(kind, raw)?;
                        }
                    }
                }
                raw => self.value(kind, raw)?,
            }
        }
        Ok(())
    }

    fn entry(&mut self, key: Kind, value: Kind, mut bytes: &'a [u8]) -> Result<(), Malformed> {
        let (mut key_raw, mut value_raw) = (None, None);
        while !bytes.is_empty() {
            match wire::field(&mut bytes)? {
                (1, raw) if is_of(key, raw) => key_raw = Some(raw),
                (2, raw) if is_of(value, raw) => value_raw = Some(raw),
                _ => {}
            }
        }
        self.value_or_zero(key, key_raw)?;
        self.value_or_zero(value, value_raw)
    }

    pub fn value_or_zero(&mut self, kind: Kind, raw: Option<Raw<'a>>) -> Result<(), Malformed> {
        match (raw, kind) {
            (Some(raw), _) => self.value(kind, raw),
            (None, Kind::Message(index)) => self.message(index, &[]),
            (None, _) => {
                put_zero(self.out, kind, &self.types.enums);
                Ok(())
            }
        }
    }

    fn value(&mut self, kind: Kind, raw: Raw<'a>) -> Result<(), Malformed> {
        let out = &mut *self.out;
        match (kind, raw) {
            (Kind::String, Raw::Bytes(bytes)) if std::str::from_utf8(bytes).is_err() => {
                return Err(Malformed);
            }
            (Kind::String | Kind::Bytes, Raw::Bytes(bytes)) => msgpack::put_text(out, bytes),
            (Kind::Message(index), Raw::Bytes(bytes)) => return self.message(index, bytes),
            (Kind::Group(index), Raw::Group(bytes)) => return self.message(index, bytes),
            (Kind::Bool, Raw::Varint(n)) => msgpack::put_bool(out, n != 0),
            (Kind::Int32, Raw::Varint(n)) => msgpack::put_int(out, (n as i32).into()),
            (Kind::Int64, Raw::Varint(n)) => msgpack::put_int(out, n as i64),
            (Kind::Uint32, Raw::Varint(n)) => msgpack::put_uint(out, (n as u32).into()),
            (Kind::Uint64, Raw::Varint(n)) => msgpack::put_uint(out, n),
            (Kind::Sint32, Raw::Varint(n)) => {
                msgpack::put_int(out, (wire::unzigzag(n) as i32).into())
            }
            (Kind::Sint64, Raw::Varint(n)) => msgpack::put_int(out, wire::unzigzag(n)),
            (Kind::Enum(index), Raw::Varint(n)) => self.types.enums[index].put(out, n as i32),
            (Kind::Double, Raw::Fixed64(n)) => msgpack::put_float(out, f64::from_bits(n)),
            (Kind::Fixed64, Raw::Fixed64(n)) => msgpack::put_uint(out, n),
            (Kind::Sfixed64, Raw::Fixed64(n)) => msgpack::put_int(out, n as i64),
            (Kind::Float, Raw::Fixed32(n)) => msgpack::put_float(out, f32::from_bits(n).into()),
            (Kind::Fixed32, Raw::Fixed32(n)) => msgpack::put_uint(out, n.into()),
            (Kind::Sfixed32, Raw::Fixed32(n)) => msgpack::put_int(out, (n as i32).into()),
            _ => return Err(Malformed),
        }
        Ok(())
    }
}

pub fn is_of(kind: Kind, raw: Raw<'_>) -> bool {
    match raw {
        Raw::Bytes(_) => matches!(kind, Kind::String | Kind::Bytes | Kind::Message(_)),
        Raw::Group(_) => matches!(kind, Kind::Group(_)),
        Raw::Fixed64(_) => matches!(kind, Kind::Double | Kind::Fixed64 | Kind::Sfixed64),
        Raw::Fixed32(_) => matches!(kind, Kind::Float | Kind::Fixed32 | Kind::Sfixed32),
        Raw::Varint(_) => is_packable(kind) && !is_fixed(kind),
    }
}

fn is_packable(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Group(_)
    )
}

fn is_fixed(kind: Kind) -> bool {
    is_fixed64(kind) || matches!(kind, Kind::Float | Kind::Fixed32 | Kind::Sfixed32)
}

fn is_fixed64(kind: Kind) -> bool {
    matches!(kind, Kind::Double | Kind::Fixed64 | Kind::Sfixed64)
}

fn packed_count(kind: Kind, packed: &[u8]) -> Result<usize, Malformed> {
    let width = match kind {
        kind if is_fixed64(kind) => 8,
        kind if is_fixed(kind) => 4,
        // The last byte of each varint has no bit 0x80.
        _ => return Ok(packed.iter().filter(|byte| **byte < 0x80).count()),
    };
    if packed.len() % width != 0 {
        return Err(Malformed);
    }
    Ok(packed.len() / width)
}

fn unpack<'a>(kind: Kind, packed: &mut &'a [u8]) -> Result<Raw<'a>, Malformed> {
    Ok(match kind {
        kind if is_fixed64(kind) => Raw::Fixed64(u64::from_le_bytes(*wire::take(packed)?)),
        kind if is_fixed(kind) => Raw::Fixed32(u32::from_le_bytes(*wire::take(packed)?)),
        _ => Raw::Varint(wire::varint(packed)?),
    })
}
