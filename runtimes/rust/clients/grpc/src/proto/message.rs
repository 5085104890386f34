//! Messages.

use super::options::{Seen, Target};
use super::parser::Parser;
use crate::descriptor::{Enum, Field, Message, MessageOptions, Oneof, Range};
use crate::features::PROTO3;

/// How deep messages nest; protoc has the same limit.
const MAX_DEPTH: usize = 32;

/// Where a field stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Around {
    Message,
    Oneof(i32),
    Extend,
}

/// The messages that fields declare: groups and map entries.
pub struct Nested<'m> {
    /// The number of their list in the descriptor around them.
    pub field: i32,
    pub messages: &'m mut Vec<Message>,
    pub depth: usize,
}

impl Parser<'_> {
    /// Reads a message after the keyword.
    pub fn message(&mut self, visibility: i32, depth: usize) -> Result<Message, String> {
        let mut message = Message {
            name: self.marked_name("the name of the message")?,
            visibility,
            ..Message::default()
        };
        self.body(&mut message, depth)?;
        Ok(message)
    }

    pub fn body(&mut self, message: &mut Message, depth: usize) -> Result<(), String> {
        if depth == MAX_DEPTH {
            let place = self.peek().place;
            return Err(place.says(format!("messages nest deeper than {MAX_DEPTH}")));
        }
        let mut seen = Seen::default();
        self.expect("{")?;
        while !self.takes("}") {
            self.part(message, &mut seen, depth)?;
        }
        let options = message.options.as_ref();
        let is_set = options.is_some_and(|options| options.message_set_wire_format);
        let max = if is_set { i32::MAX } else { 1 << 29 };
        let ranges = message.extension_range.iter_mut();
        for range in ranges.chain(&mut message.reserved_range) {
            if range.end == -1 {
                range.end = max;
            }
        }
        if self.edition == PROTO3 {
            synthetic_oneofs(message);
        }
        Ok(())
    }

    fn part(&mut self, message: &mut Message, seen: &mut Seen, depth: usize) -> Result<(), String> {
        if self.takes(";") {
            return Ok(());
        }
        let visibility = self.visibility();
        match self.peek().raw {
            "message" => {
                self.next();
                let index = message.nested_type.len();
                let nested = self.within(3, index, |p| p.message(visibility, depth + 1))?;
                message.nested_type.push(nested);
            }
            "enum" => {
                self.next();
                let index = message.enum_type.len();
                let nested: Enum = self.within(4, index, |p| p.enumeration(visibility))?;
                message.enum_type.push(nested);
            }
            "extensions" => {
                self.next();
                self.extensions(message)?;
            }
            "reserved" => {
                self.next();
                let (ranges, names) = (&mut message.reserved_range, &mut message.reserved_name);
                self.reserved(ranges, names, false)?;
            }
            "extend" => {
                self.next();
                let (fields, nested) = (&mut message.extension, &mut message.nested_type);
                self.extend(6, fields, 3, nested, depth)?;
            }
            "option" => {
                self.next();
                let mut options = message.options.take().unwrap_or_default();
                let MessageOptions {
                    message_set_wire_format,
                    map_entry,
                    deprecated_legacy_json_field_conflicts: legacy,
                    features,
                } = &mut options;
                self.option(Target::Message, seen, features, &mut |name, value| {
                    match name {
                        "message_set_wire_format" => *message_set_wire_format = value.is_true(),
                        "deprecated_legacy_json_field_conflicts" => *legacy = value.is_true(),
                        "map_entry" if value.is_true() => {
                            return Err(
                                "map_entry is not for authors: write map<KEY, VALUE>".to_owned()
                            );
                        }
                        "map_entry" => *map_entry = false,
                        _ => {}
                    }
                    Ok(())
                })?;
                message.options = Some(options);
                self.expect(";")?;
            }
            "oneof" => {
                self.next();
                self.oneof(message, depth)?;
            }
            _ => {
                let (index, mut nested) = (message.field.len(), nested(3, message, depth));
                let read = |p: &mut Self| p.field(Around::Message, &mut nested);
                let field = self.within(2, index, read)?;
                message.field.push(field);
            }
        }
        Ok(())
    }

    fn extensions(&mut self, message: &mut Message) -> Result<(), String> {
        loop {
            let place = self.peek().place;
            self.mark(&[5, message.extension_range.len() as i32], place);
            let Range { start, end } = self.range(false)?;
            message.extension_range.push(Range { start, end });
            if !self.takes(",") {
                break;
            }
        }
        self.options_in_brackets(Target::Range, &mut None, &mut |_, _| Ok(()))?;
        self.expect(";")
    }

    fn oneof(&mut self, message: &mut Message, depth: usize) -> Result<(), String> {
        let index = message.oneof_decl.len();
        let mut oneof = Oneof {
            name: self.within(8, index, |p| p.marked_name("the name of the oneof"))?,
            options: None,
        };
        let mut seen = Seen::default();
        self.expect("{")?;
        while !self.takes("}") {
            if self.takes(";") {
                continue;
            } else if self.takes("option") {
                let features = &mut oneof.options.get_or_insert_default().features;
                self.option(Target::Oneof, &mut seen, features, &mut |_, _| Ok(()))?;
                self.expect(";")?;
                continue;
            }
            let (at, mut nested) = (message.field.len(), nested(3, message, depth));
            let read = |p: &mut Self| p.field(Around::Oneof(index as i32), &mut nested);
            let field = self.within(2, at, read)?;
            message.field.push(field);
        }
        message.oneof_decl.push(oneof);
        Ok(())
    }

    /// Reads extensions after `extend`. `list` and `nested` are the numbers of the lists for the fields and their
    /// groups in the descriptor around them.
    pub fn extend(
        &mut self,
        list: i32,
        fields: &mut Vec<Field>,
        nested: i32,
        messages: &mut Vec<Message>,
        depth: usize,
    ) -> Result<(), String> {
        let place = self.peek().place;
        let extendee = self.type_name("the name of a message")?;
        self.expect("{")?;
        if self.sees("}") {
            return self.expected("a field");
        }
        while !self.takes("}") {
            if self.takes(";") {
                continue;
            }
            let mut nested = Nested {
                field: nested,
                messages: &mut *messages,
                depth,
            };
            let mut field = self.within(list, fields.len(), |p| {
                p.mark(&[2], place);
                p.field(Around::Extend, &mut nested)
            })?;
            field.extendee.clone_from(&extendee);
            fields.push(field);
        }
        Ok(())
    }
}

fn nested(field: i32, message: &mut Message, depth: usize) -> Nested<'_> {
    Nested {
        field,
        messages: &mut message.nested_type,
        depth,
    }
}

/// Gives each `optional` field of proto3 a oneof of its own.
fn synthetic_oneofs(message: &mut Message) {
    for at in 0..message.field.len() {
        if !message.field[at].proto3_optional {
            continue;
        }
        let mut name = message.field[at].name.clone();
        if !name.starts_with('_') {
            name.insert(0, '_');
        }
        let is_taken = |name: &str| {
            message.oneof_decl.iter().any(|oneof| oneof.name == name)
                || message.field.iter().any(|field| field.name == name)
        };
        while is_taken(&name) {
            name.insert(0, 'X');
        }
        message.field[at].oneof_index = Some(message.oneof_decl.len() as i32);
        message.oneof_decl.push(Oneof {
            name,
            options: None,
        });
    }
}
