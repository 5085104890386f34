//! Links descriptors into one table of types. Each set of files keeps its own types.

mod walk;

use std::collections::HashMap;

use http::uri::PathAndQuery;

use crate::descriptor::{self, FeatureSet, File, kind, label};
use crate::features::{self, encoding, enum_type, presence, repeated, utf8};
use crate::msgpack;
use crate::proto::{joined, json_name};
use crate::types::{Enum, Field, Kind, Message, Method, Shape, Special, Types, put_zero};
use walk::{each_enum, each_message};

/// The files of each set are complete, as `proto` makes them. When several sets have a type or a method of the same
/// name, a set uses its own, else the last one.
pub fn link(sets: &[&[File]]) -> Types {
    let mut linker = Linker::default();
    for set in sets {
        linker.count(set);
    }
    for file in sets.iter().copied().flatten() {
        linker.enums(file);
    }
    for (set, files) in sets.iter().enumerate() {
        for file in *files {
            linker.messages(set, file);
        }
    }
    linker.extend();
    for (set, files) in sets.iter().enumerate() {
        for file in *files {
            linker.services(set, file);
        }
    }
    linker.finish()
}

#[derive(Default)]
struct Linker<'f> {
    types: Types,
    /// The sets by their index, each with its types.
    places: Vec<Places<'f>>,
    /// Extensions with their sets, full names and inherited features.
    extensions: Vec<(usize, String, &'f descriptor::Field, FeatureSet)>,
    enums: usize,
    messages: usize,
}

#[derive(Default)]
struct Places<'f> {
    messages: HashMap<String, usize>,
    enums: HashMap<String, usize>,
    /// The messages of map entries.
    entries: HashMap<String, (&'f descriptor::Message, FeatureSet)>,
}

impl<'f> Linker<'f> {
    fn count(&mut self, files: &'f [File]) {
        let mut places = Places::default();
        for file in files {
            each_enum(file, &mut |name, _, _| {
                places.enums.insert(name.to_owned(), self.enums);
                self.enums += 1;
            });
            each_message(file, &mut |name, message, features| {
                places.messages.insert(name.to_owned(), self.messages);
                self.messages += 1;
                let options = message.options.as_ref();
                if options.is_some_and(|options| options.map_entry) {
                    places.entries.insert(name.to_owned(), (message, features));
                }
            });
        }
        self.places.push(places);
    }

    fn enums(&mut self, file: &File) {
        each_enum(file, &mut |name, found, features| {
            let values = found.value.iter();
            let values = values.map(|value| (value.name.as_str(), value.number));
            let closed = features.enum_type == enum_type::CLOSED;
            self.types.enums.push(Enum::new(name, closed, values));
        });
    }

    fn messages(&mut self, set: usize, file: &'f File) {
        let around = features::of_file(file);
        for extension in &file.extension {
            let name = joined(&file.package, &extension.name);
            self.extensions.push((set, name, extension, around));
        }
        each_message(file, &mut |name, message, features| {
            for extension in &message.extension {
                let name = joined(name, &extension.name);
                self.extensions.push((set, name, extension, features));
            }
            let linked = self.message(set, name, message, features);
            self.types.messages.push(linked);
        });
    }

    fn message(
        &self,
        set: usize,
        name: &str,
        message: &descriptor::Message,
        features: FeatureSet,
    ) -> Message {
        // The oneof of an optional field in proto3 is not visible to users.
        let is_synthetic = |index: usize| {
            let mut fields = message.field.iter();
            fields.any(|field| field.proto3_optional && field.oneof_index == Some(index as i32))
        };
        let mut oneofs = Vec::new();
        let mut places = HashMap::new();
        for (index, oneof) in message.oneof_decl.iter().enumerate() {
            if !is_synthetic(index) {
                places.insert(index as i32, oneofs.len());
                oneofs.push(oneof.name.clone());
            }
        }
        let mut linked = Message {
            name: name.to_owned(),
            set,
            oneofs,
            extensions: message
                .extension_range
                .iter()
                .map(|range| range.start..range.end)
                .collect(),
            ..Message::default()
        };
        for field in &message.field {
            let index = field.oneof_index;
            let oneof = index.and_then(|index| message.oneof_decl.get(index as usize));
            let options = oneof.and_then(|oneof| oneof.options.as_ref());
            let around = features.with(options.and_then(|options| options.features));
            let mut own = self.field(set, &field.name, field, around);
            own.oneof = index.and_then(|index| places.get(&index).copied());
            linked.fields.push(own);
        }
        linked
    }

    fn field(
        &self,
        set: usize,
        name: &str,
        field: &descriptor::Field,
        around: FeatureSet,
    ) -> Field {
        let options = field.options.as_ref();
        let features = around.with(options.and_then(|options| options.features));
        let kind = self.kind(set, field, features);
        let is_list = field.label == label::REPEATED;
        let shape = match self.map(set, field) {
            Some(shape) if is_list => shape,
            _ if is_list => Shape::List {
                packed: is_packable(kind)
                    && options
                        .and_then(|options| options.packed)
                        .unwrap_or(features.repeated_field_encoding == repeated::PACKED),
            },
            _ => Shape::Single,
        };
        let is_message = matches!(kind, Kind::Message(_) | Kind::Group(_));
        let has_presence = !is_list
            && (is_message
                || field.oneof_index.is_some()
                || !field.extendee.is_empty()
                || field.label == label::REQUIRED
                || features.field_presence != presence::IMPLICIT);
        let required = field.label == label::REQUIRED
            || has_presence
                && field.oneof_index.is_none()
                && field.extendee.is_empty()
                && features.field_presence == presence::LEGACY_REQUIRED;
        let key = text(name);
        let fill = (!has_presence && field.extendee.is_empty()).then(|| {
            let mut fill = key.clone();
            match shape {
                Shape::List { .. } => msgpack::put_list(&mut fill, 0),
                Shape::Map { .. } => msgpack::put_map(&mut fill, 0),
                Shape::Single => put_zero(&mut fill, kind, &self.types.enums),
            }
            fill
        });
        let json_name = match field.json_name.as_str() {
            _ if !field.extendee.is_empty() => String::new(),
            "" => json_name(&field.name),
            name => name.to_owned(),
        };
        Field {
            name: name.to_owned(),
            json_name,
            number: field.number as u32,
            kind,
            shape,
            oneof: None,
            required,
            key,
            fill,
        }
    }

    fn kind(&self, set: usize, field: &descriptor::Field, features: FeatureSet) -> Kind {
        let places = &self.places[set];
        let name = field.type_name.strip_prefix('.').unwrap_or_default();
        match field.r#type {
            kind::DOUBLE => Kind::Double,
            kind::FLOAT => Kind::Float,
            kind::INT64 => Kind::Int64,
            kind::UINT64 => Kind::Uint64,
            kind::INT32 => Kind::Int32,
            kind::FIXED64 => Kind::Fixed64,
            kind::FIXED32 => Kind::Fixed32,
            kind::BOOL => Kind::Bool,
            // A string that is not checked counts as bytes.
            kind::STRING if features.utf8_validation == utf8::NONE => Kind::Bytes,
            kind::STRING => Kind::String,
            kind::GROUP => Kind::Group(places.messages[name]),
            kind::MESSAGE
                if features.message_encoding == encoding::DELIMITED
                    && !places.entries.contains_key(name) =>
            {
                Kind::Group(places.messages[name])
            }
            kind::MESSAGE => Kind::Message(places.messages[name]),
            kind::BYTES => Kind::Bytes,
            kind::UINT32 => Kind::Uint32,
            kind::ENUM => Kind::Enum(places.enums[name]),
            kind::SFIXED32 => Kind::Sfixed32,
            kind::SFIXED64 => Kind::Sfixed64,
            kind::SINT32 => Kind::Sint32,
            _ => Kind::Sint64,
        }
    }

    /// The shape of a map field.
    fn map(&self, set: usize, field: &descriptor::Field) -> Option<Shape> {
        let name = field.type_name.strip_prefix('.')?;
        let (entry, around) = self.places[set].entries.get(name)?;
        let numbered = |number| {
            let field = entry.field.iter().find(|field| field.number == number)?;
            let options = field.options.as_ref();
            let mut features = around.with(options.and_then(|options| options.features));
            features.message_encoding = encoding::LENGTH_PREFIXED;
            Some(self.kind(set, field, features))
        };
        let (key, value) = (numbered(1)?, numbered(2)?);
        let is_key = !matches!(
            key,
            Kind::Double | Kind::Float | Kind::Enum(_) | Kind::Message(_) | Kind::Group(_)
        );
        is_key.then_some(Shape::Map { key, value })
    }

    /// Adds extensions to their messages, also to those of other sets that reserve the number for extensions.
    fn extend(&mut self) {
        let extensions = std::mem::take(&mut self.extensions);
        for own in [true, false] {
            for (set, name, extension, around) in extensions.iter().rev() {
                let extendee = extension.extendee.trim_start_matches('.');
                let mut field = None;
                for (other, places) in self.places.iter().enumerate() {
                    let index = places.messages.get(extendee);
                    let Some(index) = index.filter(|_| (other == *set) == own) else {
                        continue;
                    };
                    let field = field.get_or_insert_with(|| {
                        self.field(*set, &format!("[{name}]"), extension, *around)
                    });
                    let message = &mut self.types.messages[*index];
                    let is_free = message.fields.iter().all(|f| f.number != field.number);
                    if is_free && message.extends_to(field.number) {
                        message.fields.push(field.clone());
                    }
                }
            }
        }
    }

    fn services(&mut self, set: usize, file: &File) {
        let messages = &self.places[set].messages;
        for service in &file.service {
            let service_name = joined(&file.package, &service.name);
            let mut names = Vec::new();
            for method in &service.method {
                names.push(method.name.clone());
                let path = format!("/{service_name}/{}", method.name);
                if let Ok(parsed) = PathAndQuery::try_from(path.as_str()) {
                    let entry = Method {
                        path: parsed,
                        input: messages[&method.input_type[1..]],
                        output: messages[&method.output_type[1..]],
                        client_streams: method.client_streaming,
                        server_streams: method.server_streaming,
                    };
                    self.types.methods.insert(path, entry);
                }
            }
            self.types.services.insert(service_name, names);
        }
    }

    /// Marks the messages that have an open message in a field, directly or not.
    fn find_open(&mut self) {
        let messages = &mut self.types.messages;
        let mut parents = vec![Vec::new(); messages.len()];
        let mut queue = Vec::new();
        for (index, message) in messages.iter().enumerate() {
            for field in &message.fields {
                let kind = match field.shape {
                    Shape::Map { value, .. } => value,
                    _ => field.kind,
                };
                if let Kind::Message(inner) | Kind::Group(inner) = kind {
                    parents[inner].push(index);
                }
            }
            if message.special == Some(Special::Any) || !message.extensions.is_empty() {
                queue.push(index);
            }
        }
        while let Some(index) = queue.pop() {
            if !messages[index].is_open {
                messages[index].is_open = true;
                queue.extend(&parents[index]);
            }
        }
    }

    fn finish(mut self) -> Types {
        for message in &mut self.types.messages {
            message.index();
        }
        self.find_open();
        for places in self.places {
            let names = places.messages.iter();
            let names = names.map(|(name, index)| (name.clone(), *index));
            self.types.by_name.extend(names);
            self.types.sets.push(places.messages);
        }
        self.types
    }
}

fn is_packable(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::String | Kind::Bytes | Kind::Message(_) | Kind::Group(_)
    )
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    msgpack::put_text(&mut out, text.as_bytes());
    out
}

#[cfg(test)]
mod tests;
