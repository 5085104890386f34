//! Descriptors, as tables that messages are read and written along.

use std::collections::HashMap;
use std::sync::Arc;

use http::uri::PathAndQuery;
use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, ExtensionDescriptor, FieldDescriptor,
    MessageDescriptor, Syntax,
};

use crate::msgpack;

/// The messages and services of a set of files.
#[derive(Debug, Default)]
pub struct Types {
    pub messages: Vec<Message>,
    pub enums: Vec<Enum>,
    by_name: HashMap<String, usize>,
    /// By `/package.Service/Method`.
    methods: HashMap<String, Method>,
    services: HashMap<String, Vec<String>>,
}

#[derive(Clone, Debug)]
pub struct Method {
    pub path: PathAndQuery,
    pub input: usize,
    pub output: usize,
    pub client_streams: bool,
    pub server_streams: bool,
}

/// A method, with the types that its messages are of.
#[derive(Clone, Debug)]
pub struct Found {
    pub types: Arc<Types>,
    pub method: Method,
}

#[derive(Debug)]
pub struct Message {
    pub name: String,
    pub fields: Vec<Field>,
    /// By the name in the file and the one in JSON.
    names: HashMap<Vec<u8>, usize>,
    numbers: HashMap<u32, usize>,
    pub oneofs: Vec<String>,
    /// Has a form of its own in JSON.
    pub special: Option<Special>,
    pub has_required: bool,
    /// How many fields are filled in where they are absent.
    pub filled: usize,
}

#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub number: u32,
    pub kind: Kind,
    pub shape: Shape,
    pub oneof: Option<usize>,
    pub required: bool,
    /// The name, in MessagePack.
    pub key: Vec<u8>,
    /// Name and default, in MessagePack, if it is filled in where it is absent.
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
    /// Has no other numbers than those with a name.
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
    /// A scalar that may be absent: its only field.
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
    pub fn field(&self, name: &[u8]) -> Option<usize> {
        self.names.get(name).copied()
    }

    pub fn numbered(&self, number: u32) -> Option<usize> {
        // Most messages number their fields from 1 on.
        let guess = number.wrapping_sub(1) as usize;
        match self.fields.get(guess) {
            Some(field) if field.number == number => Some(guess),
            _ => self.numbers.get(&number).copied(),
        }
    }
}

impl Enum {
    pub fn number(&self, name: &[u8]) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    pub fn name(&self, number: i32) -> Option<&str> {
        self.by_number.get(&number).map(String::as_str)
    }

    /// What the number is in Lua.
    pub fn put(&self, out: &mut Vec<u8>, number: i32) {
        match self.name(number) {
            Some(_) if self.is_null => msgpack::put_null(out),
            Some(name) => msgpack::put_text(out, name.as_bytes()),
            None => msgpack::put_int(out, number.into()),
        }
    }
}

impl Types {
    pub fn new(pool: &DescriptorPool) -> Self {
        let mut indexes = Indexes::default();
        for (index, message) in pool.all_messages().enumerate() {
            indexes
                .messages
                .insert(message.full_name().to_owned(), index);
        }
        for (index, descriptor) in pool.all_enums().enumerate() {
            indexes
                .enums
                .insert(descriptor.full_name().to_owned(), index);
        }
        let enums: Vec<Enum> = pool
            .all_enums()
            .map(|descriptor| enum_of(&descriptor))
            .collect();
        let messages = pool
            .all_messages()
            .map(|message| indexes.message(&message, &enums))
            .collect();
        let mut types = Self {
            messages,
            enums,
            ..Self::default()
        };
        for service in pool.services() {
            let mut names = Vec::new();
            for method in service.methods() {
                names.push(method.name().to_owned());
                let path = format!("/{}/{}", service.full_name(), method.name());
                if let Ok(parsed) = PathAndQuery::try_from(path.as_str()) {
                    let entry = Method {
                        path: parsed,
                        input: indexes.messages[method.input().full_name()],
                        output: indexes.messages[method.output().full_name()],
                        client_streams: method.is_client_streaming(),
                        server_streams: method.is_server_streaming(),
                    };
                    types.methods.insert(path, entry);
                }
            }
            types.services.insert(service.full_name().to_owned(), names);
        }
        types.by_name = indexes.messages;
        types
    }

    pub fn message(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
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

fn enum_of(descriptor: &EnumDescriptor) -> Enum {
    let mut by_number = HashMap::new();
    for value in descriptor.values() {
        // Of several names for a number the first is the one that is shown.
        by_number
            .entry(value.number())
            .or_insert_with(|| value.name().to_owned());
    }
    Enum {
        name: descriptor.full_name().to_owned(),
        by_name: descriptor
            .values()
            .map(|value| (value.name().into(), value.number()))
            .collect(),
        by_number,
        closed: descriptor.parent_file().syntax() == Syntax::Proto2,
        is_null: descriptor.full_name() == "google.protobuf.NullValue",
        names: descriptor
            .values()
            .map(|value| value.name().to_owned())
            .collect(),
    }
}

/// Where the messages and enums of a pool go, by their full names.
#[derive(Default)]
struct Indexes {
    messages: HashMap<String, usize>,
    enums: HashMap<String, usize>,
}

impl Indexes {
    fn kind(&self, kind: &prost_reflect::Kind, group: bool) -> Kind {
        use prost_reflect::Kind as From;
        match kind {
            From::Double => Kind::Double,
            From::Float => Kind::Float,
            From::Int32 => Kind::Int32,
            From::Int64 => Kind::Int64,
            From::Uint32 => Kind::Uint32,
            From::Uint64 => Kind::Uint64,
            From::Sint32 => Kind::Sint32,
            From::Sint64 => Kind::Sint64,
            From::Fixed32 => Kind::Fixed32,
            From::Fixed64 => Kind::Fixed64,
            From::Sfixed32 => Kind::Sfixed32,
            From::Sfixed64 => Kind::Sfixed64,
            From::Bool => Kind::Bool,
            From::String => Kind::String,
            From::Bytes => Kind::Bytes,
            From::Enum(descriptor) => Kind::Enum(self.enums[descriptor.full_name()]),
            From::Message(message) if group => Kind::Group(self.messages[message.full_name()]),
            From::Message(message) => Kind::Message(self.messages[message.full_name()]),
        }
    }

    fn message(&self, message: &MessageDescriptor, enums: &[Enum]) -> Message {
        let (mut names, mut fields) = (HashMap::new(), Vec::new());
        let oneofs: Vec<String> = message
            .oneofs()
            .map(|oneof| oneof.name().to_owned())
            .collect();
        for field in message.fields() {
            names.insert(field.json_name().into(), fields.len());
            names.insert(field.name().into(), fields.len());
            fields.push(self.field(&field, &oneofs, enums));
        }
        for extension in message.extensions() {
            let field = self.extension(&extension);
            names.insert(field.name.clone().into(), fields.len());
            fields.push(field);
        }
        Message {
            name: message.full_name().to_owned(),
            names,
            numbers: fields
                .iter()
                .enumerate()
                .map(|(index, field)| (field.number, index))
                .collect(),
            oneofs,
            // Somebody may have a message of this name without anything in it.
            special: Special::of(message.full_name()).filter(|_| !fields.is_empty()),
            has_required: fields.iter().any(|field| field.required),
            filled: fields.iter().filter(|field| field.fill.is_some()).count(),
            fields,
        }
    }

    fn field(&self, field: &FieldDescriptor, oneofs: &[String], enums: &[Enum]) -> Field {
        let kind = self.kind(&field.kind(), field.is_group());
        let shape = match field.kind() {
            prost_reflect::Kind::Message(entry) if field.is_map() => Shape::Map {
                key: self.kind(&entry.map_entry_key_field().kind(), false),
                value: self.kind(&entry.map_entry_value_field().kind(), false),
            },
            _ if field.is_list() => Shape::List {
                packed: field.is_packed(),
            },
            _ => Shape::Single,
        };
        let key = text(field.name());
        let fill = (!field.supports_presence()).then(|| {
            let mut fill = key.clone();
            put_default(&mut fill, kind, shape, enums);
            fill
        });
        // One of a single field is how proto3 says optional.
        let oneof = field
            .containing_oneof()
            .filter(|oneof| !oneof.is_synthetic());
        Field {
            name: field.name().to_owned(),
            number: field.number(),
            kind,
            shape,
            oneof: oneof.and_then(|oneof| oneofs.iter().position(|name| name == oneof.name())),
            required: field.cardinality() == Cardinality::Required,
            key,
            fill,
        }
    }

    /// An extension has its full name in brackets, as in JSON.
    fn extension(&self, extension: &ExtensionDescriptor) -> Field {
        let name = format!("[{}]", extension.full_name());
        let shape = match extension.is_list() {
            true => Shape::List {
                packed: extension.is_packed(),
            },
            false => Shape::Single,
        };
        Field {
            key: text(&name),
            name,
            number: extension.number(),
            kind: self.kind(&extension.kind(), extension.is_group()),
            shape,
            oneof: None,
            required: false,
            fill: None,
        }
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    msgpack::put_text(&mut out, text.as_bytes());
    out
}

fn put_default(out: &mut Vec<u8>, kind: Kind, shape: Shape, enums: &[Enum]) {
    match (shape, kind) {
        (Shape::List { .. }, _) => msgpack::put_list(out, 0),
        (Shape::Map { .. }, _) => msgpack::put_map(out, 0),
        (Shape::Single, kind) => put_zero(out, kind, enums),
    }
}

/// The value of a field without presence that is absent.
pub fn put_zero(out: &mut Vec<u8>, kind: Kind, enums: &[Enum]) {
    match kind {
        Kind::Bool => msgpack::put_bool(out, false),
        Kind::String | Kind::Bytes => msgpack::put_text(out, b""),
        Kind::Message(_) | Kind::Group(_) => msgpack::put_map(out, 0),
        Kind::Enum(index) => enums[index].put(out, 0),
        _ => msgpack::put_int(out, 0),
    }
}
