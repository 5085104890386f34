//! Converts a Lua table, in MessagePack, into the fields of a message.

use crate::misfit::{Misfit, quoted, shown};
use crate::msgpack::{Reader, Value};
use crate::refusal::list_of;
use crate::scalar;
use crate::types::{Field, Kind, MAX_DEPTH, Message, Shape, Special, Types};
use crate::wire;

/// Encodes a message with a form of its own from the next value.
pub type Form = fn(&mut Encoder<'_, '_, '_>, Special, &Message) -> Result<(), Misfit>;

/// Reads a table and writes a message, along the types. `form` encodes messages with a form of their own.
pub struct Encoder<'t, 'r, 'o> {
    pub types: &'t Types,
    pub reader: Reader<'r>,
    pub out: &'o mut Vec<u8>,
    pub depth: usize,
    pub form: Form,
}

/// The fields of a message that are set.
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

impl Encoder<'_, '_, '_> {
    /// Writes the fields of a message, without a length.
    pub fn message(&mut self, index: usize) -> Result<(), Misfit> {
        let types = self.types;
        let message = &types.messages[index];
        if self.depth == MAX_DEPTH {
            return Err(Misfit::new(format!(
                "is nested deeper than {MAX_DEPTH} messages"
            )));
        }
        self.depth += 1;
        match message.special {
            Some(special) => (self.form)(self, special, message)?,
            None => self.fields(message)?,
        }
        self.depth -= 1;
        Ok(())
    }

    fn fields(&mut self, message: &Message) -> Result<(), Misfit> {
        let n = match self.reader.next()? {
            Value::Map(n) => n,
            // Lua has one empty table.
            Value::List(0) => 0,
            other => {
                let wanted = format!("a table of the fields of {}", message.name);
                return Err(Misfit::must_be(&wanted, other));
            }
        };
        self.some_fields(message, n, &mut |_| false)
    }

    /// Writes `n` names with their values. `skip` says which names do not belong to the message.
    pub fn some_fields(
        &mut self,
        message: &Message,
        n: usize,
        skip: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), Misfit> {
        let mut seen = Seen::default();
        for _ in 0..n {
            let name = match self.reader.next()? {
                Value::Text(name) => name,
                other => {
                    return Err(Misfit::new(format!(
                        "a key must be the name of a field of {}, not {}",
                        message.name,
                        shown(other)
                    )));
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
                let twice = Misfit::new("is given twice, by its name in the file and that in JSON");
                return Err(twice.in_field(&field.name));
            }
            seen.add(index);
            self.field(field)
                .map_err(|misfit| misfit.in_field(&field.name))?;
        }
        if !message.oneofs.is_empty() {
            one_of_each(message, &seen)?;
        }
        if message.has_required {
            let mut missing = message.fields.iter().enumerate();
            if let Some((_, field)) =
                missing.find(|(index, field)| field.required && !seen.has(*index))
            {
                let missing = Misfit::new(format!("is required in {}", message.name));
                return Err(missing.in_field(&field.name));
            }
        }
        Ok(())
    }

    /// Whether nil (ngx.null in Lua) is a value of the field, not an absent one.
    fn takes_nil(&self, field: &Field) -> bool {
        match (field.shape, field.kind) {
            (Shape::Single, Kind::Message(index)) => {
                self.types.messages[index].special == Some(Special::Value)
            }
            (Shape::Single, Kind::Enum(index)) => self.types.enums[index].is_null,
            _ => false,
        }
    }

    fn field(&mut self, field: &Field) -> Result<(), Misfit> {
        match field.shape {
            Shape::Single => self.tagged(field.kind, field.number),
            Shape::List { packed } => self.list(field, packed),
            Shape::Map { key, value } => self.map(field.number, key, value),
        }
    }

    fn list(&mut self, field: &Field, packed: bool) -> Result<(), Misfit> {
        let n = self.list_start()?;
        if !packed {
            return (1..=n).try_for_each(|index| {
                self.tagged(field.kind, field.number)
                    .map_err(|misfit| misfit.in_item(index))
            });
        }
        if n > 0 {
            wire::put_tag(self.out, field.number, wire::BYTES);
            let start = wire::open(self.out);
            for index in 1..=n {
                let value = self.reader.next()?;
                scalar::put(self.types, self.out, field.kind, value)
                    .map_err(|misfit| misfit.in_item(index))?;
            }
            wire::close(self.out, start);
        }
        Ok(())
    }

    /// Reads how many items follow.
    pub fn list_start(&mut self) -> Result<usize, Misfit> {
        match self.reader.next()? {
            Value::List(n) => Ok(n),
            Value::Map(0) => Ok(0),
            Value::Map(_) => Err(Misfit::new(
                "must be a list, whose keys are 1, 2, 3 …, not a table with other keys",
            )),
            other => Err(Misfit::must_be("a list", other)),
        }
    }

    fn map(&mut self, field_number: u32, key: Kind, value: Kind) -> Result<(), Misfit> {
        let (n, is_list) = match self.reader.next()? {
            Value::Map(n) => (n, false),
            // Lua's { "a", "b" } is { [1] = "a", [2] = "b" }.
            Value::List(n) => (n, n > 0),
            other => return Err(Misfit::must_be("a table", other)),
        };
        let mut keys = Vec::new();
        for number in 1..=n {
            wire::put_tag(self.out, field_number, wire::BYTES);
            let start = wire::open(self.out);
            let name = match is_list {
                true => Value::Int(number as i64),
                false => scalar::key(key, self.reader.next()?),
            };
            wire::put_tag(self.out, 1, scalar::wire_type(key));
            scalar::put(self.types, self.out, key, name).map_err(Misfit::of_key)?;
            if key != Kind::String {
                keys.extend(scalar::identity(name));
            }
            self.tagged(value, 2)
                .map_err(|misfit| misfit.in_entry(name))?;
            wire::close(self.out, start);
        }
        keys.sort_unstable();
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Misfit::new(format!(
                "the key {} is given twice, in different forms",
                pair[0]
            ))),
            None => Ok(()),
        }
    }

    /// Writes a value with its tag.
    pub fn tagged(&mut self, kind: Kind, number: u32) -> Result<(), Misfit> {
        match kind {
            Kind::Message(index) => {
                wire::put_tag(self.out, number, wire::BYTES);
                let start = wire::open(self.out);
                self.message(index)?;
                wire::close(self.out, start);
                Ok(())
            }
            Kind::Group(index) => {
                wire::put_tag(self.out, number, wire::GROUP);
                self.message(index)?;
                wire::put_tag(self.out, number, wire::END);
                Ok(())
            }
            _ => {
                wire::put_tag(self.out, number, scalar::wire_type(kind));
                let value = self.reader.next()?;
                scalar::put(self.types, self.out, kind, value)
            }
        }
    }
}

fn one_of_each(message: &Message, seen: &Seen) -> Result<(), Misfit> {
    let mut first: Vec<Option<&str>> = vec![None; message.oneofs.len()];
    for (index, field) in message.fields.iter().enumerate() {
        let Some(oneof) = field.oneof.filter(|_| seen.has(index)) else {
            continue;
        };
        if let Some(other) = first[oneof].replace(&field.name) {
            let (name, oneof) = (&message.name, &message.oneofs[oneof]);
            return Err(Misfit::new(format!(
                "the fields \"{other}\" and \"{}\" of {name} exclude each other (oneof {oneof}): set one of them",
                field.name
            )));
        }
    }
    Ok(())
}

fn unknown(message: &Message, name: &[u8]) -> Misfit {
    let names = list_of(message.fields.iter().map(|field| field.name.as_str()));
    Misfit::new(format!(
        "{} has no field {}; its fields are: {names}",
        message.name,
        quoted(name)
    ))
}
