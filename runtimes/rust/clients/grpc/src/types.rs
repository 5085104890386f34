//! Descriptors as tables for reading and writing messages.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use http::uri::PathAndQuery;

use crate::msgpack;

/// The messages and services of several sets of files; `link` builds it. Each set has its own types, so two sets may
/// have a type of the same name.
#[derive(Debug, Default)]
pub struct Types {
    pub messages: Vec<Message>,
    pub enums: Vec<Enum>,
    /// The messages of all sets. When several have the same name, the last one.
    pub by_name: HashMap<String, usize>,
    /// By set.
    pub sets: Vec<HashMap<String, usize>>,
    /// By `/package.Service/Method`.
    pub methods: HashMap<String, Method>,
    pub services: HashMap<String, Vec<String>>,
}

/// How deep messages nest. The Lua side has the same limit.
pub const MAX_DEPTH: usize = 100;

/// The set of a message without a set.
pub const NO_SET: usize = usize::MAX;

#[derive(Clone, Debug)]
pub struct Method {
    pub path: PathAndQuery,
    pub input: usize,
    pub output: usize,
    pub client_streams: bool,
    pub server_streams: bool,
}

/// A method with the types of its messages.
#[derive(Clone, Debug)]
pub struct Found {
    pub types: Arc<Types>,
    pub method: Method,
}

#[derive(Debug, Default)]
pub struct Message {
    pub name: String,
    /// The index of its set.
    pub set: usize,
    pub fields: Vec<Field>,
    /// The fields by their names in the file and in JSON.
    pub names: HashMap<Vec<u8>, usize>,
    pub numbers: HashMap<u32, usize>,
    pub oneofs: Vec<String>,
    /// The numbers reserved for extensions.
    pub extensions: Vec<Range<i32>>,
    /// The message's own form in JSON.
    pub special: Option<Special>,
    pub has_required: bool,
    /// The message may contain an Any or extensions, directly or not.
    pub is_open: bool,
    /// How many fields get a default when they are absent.
    pub filled: usize,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    /// Empty for an extension, which has one name.
    pub json_name: String,
    pub number: u32,
    pub kind: Kind,
    pub shape: Shape,
    pub oneof: Option<usize>,
    pub required: bool,
    /// The name, in MessagePack.
    pub key: Vec<u8>,
    /// Name and default, in MessagePack, if an absent field gets its default.
    pub fill: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug)]
pub enum Shape {
    Single,
    List { packed: bool },
    Map { key: Kind, value: Kind },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    Enum(usize),
    Message(usize),
    Group(usize),
}

#[derive(Debug)]
pub struct Enum {
    pub name: String,
    by_name: HashMap<Vec<u8>, i32>,
    by_number: HashMap<i32, String>,
    /// The enum has only numbers with a name.
    pub closed: bool,
    /// Its one value is null in JSON: google.protobuf.NullValue.
    pub is_null: bool,
    /// For messages.
    pub names: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    Any,
    Duration,
    FieldMask,
    ListValue,
    Struct,
    Timestamp,
    Value,
    /// A scalar with presence, which is the message's only field.
    Wrapper,
}

impl Special {
    fn of(name: &str) -> Option<Self> {
        Some(match name.strip_prefix("google.protobuf.")? {
            "Any" => Self::Any,
            "Duration" => Self::Duration,
            "FieldMask" => Self::FieldMask,
            "ListValue" => Self::ListValue,
            "Struct" => Self::Struct,
            "Timestamp" => Self::Timestamp,
            "Value" => Self::Value,
            "BoolValue" | "BytesValue" | "DoubleValue" | "FloatValue" | "Int32Value"
            | "Int64Value" | "StringValue" | "UInt32Value" | "UInt64Value" => Self::Wrapper,
            _ => return None,
        })
    }
}

impl Message {
    /// Builds the tables of the fields, once all fields are known.
    pub fn index(&mut self) {
        let fields = self.fields.iter().enumerate();
        // If a field's JSON name is another field's name in the file, the name in the file wins.
        for (index, field) in fields.clone().filter(|(_, f)| !f.json_name.is_empty()) {
            self.names.insert(field.json_name.as_bytes().into(), index);
        }
        for (index, field) in fields {
            self.names.insert(field.name.as_bytes().into(), index);
            self.numbers.insert(field.number, index);
        }
        self.has_required = self.fields.iter().any(|field| field.required);
        self.filled = self.fields.iter().filter(|f| f.fill.is_some()).count();
        // A user's own message of this name may be empty.
        self.special = Special::of(&self.name).filter(|_| !self.fields.is_empty());
    }

    /// Whether this number is reserved for extensions.
    pub fn extends_to(&self, number: u32) -> bool {
        let number = i32::try_from(number);
        number.is_ok_and(|number| self.extensions.iter().any(|range| range.contains(&number)))
    }

    pub fn field(&self, name: &[u8]) -> Option<usize> {
        self.names.get(name).copied()
    }

    pub fn numbered(&self, number: u32) -> Option<usize> {
        // Most messages number their fields from 1.
        let guess = number.wrapping_sub(1) as usize;
        match self.fields.get(guess) {
            Some(field) if field.number == number => Some(guess),
            _ => self.numbers.get(&number).copied(),
        }
    }
}

impl Enum {
    pub fn new<'v>(
        name: &str,
        closed: bool,
        values: impl Iterator<Item = (&'v str, i32)> + Clone,
    ) -> Self {
        let mut by_number = HashMap::new();
        for (name, number) in values.clone() {
            // The first of several names for a number is shown.
            by_number.entry(number).or_insert_with(|| name.to_owned());
        }
        Self {
            name: name.to_owned(),
            by_name: values.clone().map(|(name, n)| (name.into(), n)).collect(),
            by_number,
            closed,
            is_null: name == "google.protobuf.NullValue",
            names: values.map(|(name, _)| name.to_owned()).collect(),
        }
    }

    pub fn number(&self, name: &[u8]) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    pub fn name(&self, number: i32) -> Option<&str> {
        self.by_number.get(&number).map(String::as_str)
    }

    /// Writes the number in its form in Lua.
    pub fn put(&self, out: &mut Vec<u8>, number: i32) {
        match self.name(number) {
            Some(_) if self.is_null => msgpack::put_null(out),
            Some(name) => msgpack::put_text(out, name.as_bytes()),
            None => msgpack::put_int(out, number.into()),
        }
    }
}

impl Types {
    /// The last message of this name in all sets.
    pub fn message(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The message of this name for a set: its own, else the last of all sets.
    pub fn message_in(&self, set: usize, name: &str) -> Option<usize> {
        let own = self
            .sets
            .get(set)
            .and_then(|names| names.get(name).copied());
        own.or_else(|| self.message(name))
    }

    pub fn method(self: &Arc<Self>, path: &str) -> Option<Found> {
        let method = self.methods.get(path)?.clone();
        let types = self.clone();
        Some(Found { types, method })
    }

    /// The names of a service's methods.
    pub fn service(&self, name: &str) -> Option<&[String]> {
        self.services.get(name).map(Vec::as_slice)
    }
}

/// Writes the value of an absent field without presence.
pub fn put_zero(out: &mut Vec<u8>, kind: Kind, enums: &[Enum]) {
    match kind {
        Kind::Bool => msgpack::put_bool(out, false),
        Kind::String | Kind::Bytes => msgpack::put_text(out, b""),
        Kind::Message(_) | Kind::Group(_) => msgpack::put_map(out, 0),
        Kind::Enum(index) => enums[index].put(out, 0),
        _ => msgpack::put_int(out, 0),
    }
}

#[cfg(test)]
mod tests;
