//! Fields of messages and oneofs, and extensions.

use super::message::{Around, Nested};
use super::options::{Target, Value, escaped};
use super::parser::Parser;
use crate::descriptor::{Field, FieldOptions, Message, MessageOptions, kind, label};
use crate::features::{EDITION_2023, PROTO2, PROTO3};

const SCALARS: [(&str, i32); 15] = [
    ("double", kind::DOUBLE),
    ("float", kind::FLOAT),
    ("int64", kind::INT64),
    ("uint64", kind::UINT64),
    ("int32", kind::INT32),
    ("fixed64", kind::FIXED64),
    ("fixed32", kind::FIXED32),
    ("bool", kind::BOOL),
    ("string", kind::STRING),
    ("bytes", kind::BYTES),
    ("uint32", kind::UINT32),
    ("sfixed32", kind::SFIXED32),
    ("sfixed64", kind::SFIXED64),
    ("sint32", kind::SINT32),
    ("sint64", kind::SINT64),
];

impl Parser<'_> {
    pub fn field(&mut self, around: Around, nested: &mut Nested<'_>) -> Result<Field, String> {
        let mut field = Field {
            label: label::OPTIONAL,
            ..Field::default()
        };
        if let Around::Oneof(index) = around {
            field.oneof_index = Some(index);
        }
        let has_label = self.label(&mut field, around)?;
        let place = self.peek().place;
        self.mark(&[6], place);
        let map = if self.sees("map") && self.peek_second().raw == "<" {
            if has_label || around != Around::Message {
                return Err(place.says("a map has no label, and is in no oneof and no extend"));
            }
            field.label = label::REPEATED;
            Some(self.map_types()?)
        } else if self.sees("group") && self.edition != PROTO3 {
            if self.has_editions() {
                let text = "editions have no group: write features.message_encoding = DELIMITED";
                return Err(place.says(text));
            }
            self.next();
            return self.group(field, nested);
        } else {
            (field.r#type, field.type_name) = self.field_type()?;
            None
        };
        // In proto3 this may be the name of a type.
        field.name = self.marked_name("the name of the field")?;
        self.numbered(&mut field)?;
        self.expect(";")?;
        if let Some((key, value)) = map {
            let entry = entry(&field, key, value);
            field.type_name.clone_from(&entry.name);
            field.r#type = kind::MESSAGE;
            nested.messages.push(entry);
        }
        Ok(field)
    }

    fn label(&mut self, field: &mut Field, around: Around) -> Result<bool, String> {
        let token = self.peek();
        let found = match token.raw {
            "optional" => label::OPTIONAL,
            "required" => label::REQUIRED,
            "repeated" => label::REPEATED,
            _ => {
                // Maps and the fields of a oneof have no label.
                let is_map = self.sees("map") && self.peek_second().raw == "<";
                if self.edition != PROTO2 || is_map || matches!(around, Around::Oneof(_)) {
                    return Ok(false);
                }
                return self.expected("'optional', 'required' or 'repeated'");
            }
        };
        let wrong = match (found, around) {
            (_, Around::Oneof(_)) => "the fields of a oneof have no label",
            (label::REQUIRED, Around::Extend) => "an extension cannot be required",
            (label::REQUIRED, _) if self.edition == PROTO3 => "proto3 has no required fields",
            (label::REQUIRED, _) if self.has_editions() => {
                "editions have no such label: write features.field_presence = LEGACY_REQUIRED"
            }
            (label::OPTIONAL, _) if self.has_editions() => {
                "editions have no such label: every field is optional unless a feature changes it"
            }
            _ => "",
        };
        if !wrong.is_empty() {
            return Err(token.place.says(wrong));
        }
        self.next();
        field.label = found;
        field.proto3_optional = found == label::OPTIONAL && self.edition == PROTO3;
        Ok(true)
    }

    fn map_types(&mut self) -> Result<(Field, Field), String> {
        self.next();
        self.expect("<")?;
        let place = self.peek().place;
        let mut of = |name: &str, number| -> Result<Field, String> {
            let (r#type, type_name) = self.field_type()?;
            self.expect(if number == 1 { "," } else { ">" })?;
            Ok(Field {
                name: name.to_owned(),
                json_name: name.to_owned(),
                number,
                label: label::OPTIONAL,
                r#type,
                type_name,
                ..Field::default()
            })
        };
        let (key, value) = (of("key", 1)?, of("value", 2)?);
        if matches!(key.r#type, 0 | kind::DOUBLE | kind::FLOAT | kind::BYTES) {
            return Err(place.says("the keys of a map are integers, booleans or strings"));
        }
        Ok((key, value))
    }

    /// A scalar kind, or the name of a type.
    fn field_type(&mut self) -> Result<(i32, String), String> {
        let token = self.peek();
        let scalar = SCALARS.iter().find(|(name, _)| *name == token.raw);
        if let Some((_, kind)) = scalar {
            self.next();
            return Ok((*kind, String::new()));
        }
        Ok((0, self.type_name("the type of a field")?))
    }

    /// Reads a field from `=` on, with its options.
    fn numbered(&mut self, field: &mut Field) -> Result<(), String> {
        self.expect("=")?;
        self.mark(&[3], self.peek().place);
        field.number = self.integer("the number of the field", i32::MAX as u64)? as i32;
        field.json_name = json_name(&field.name);
        let mut options = FieldOptions::default();
        let FieldOptions { packed, features } = &mut options;
        let edition = self.edition;
        self.options_in_brackets(Target::Field, features, &mut |name, value| {
            match (name, value) {
                ("packed", _) if edition >= EDITION_2023 => {
                    let text = "editions have features.repeated_field_encoding for this";
                    return Err(text.to_owned());
                }
                ("default", _) if edition == PROTO3 => {
                    return Err("proto3 has no defaults".to_owned());
                }
                ("packed", _) => *packed = Some(value.is_true()),
                ("json_name", Value::Text(text)) => {
                    let text = String::from_utf8(text.clone());
                    field.json_name = text.map_err(|_| "json_name is not UTF-8".to_owned())?;
                }
                ("json_name", _) => return Err("json_name is a text".to_owned()),
                ("default", _) => field.default_value = Some(default_value(field, value)?),
                _ => {}
            }
            Ok(())
        })?;
        if options != FieldOptions::default() {
            field.options = Some(options);
        }
        Ok(())
    }

    /// Reads a group after the keyword.
    fn group(&mut self, mut field: Field, nested: &mut Nested<'_>) -> Result<Field, String> {
        let place = self.peek().place;
        let name = self.name("the name of the group")?;
        if !name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
            return Err(place.says("the name of a group begins with a capital letter"));
        }
        self.mark(&[], place);
        field.name = name.to_ascii_lowercase();
        field.r#type = kind::GROUP;
        field.type_name.clone_from(&name);
        self.numbered(&mut field)?;
        let mut message = Message {
            name,
            ..Message::default()
        };
        let (at, depth) = (nested.messages.len(), nested.depth + 1);
        // The group's message is declared beside its field.
        let own: Vec<i32> = self.path.split_off(self.path.len() - 2);
        let read = self.within(nested.field, at, |p| {
            p.mark(&[], place);
            p.body(&mut message, depth)
        });
        self.path.extend(own);
        read?;
        nested.messages.push(message);
        Ok(field)
    }
}

/// The message of a map's entries.
fn entry(field: &Field, key: Field, value: Field) -> Message {
    let mut name = String::new();
    let mut upper = true;
    for letter in field.name.chars() {
        match letter {
            '_' => upper = true,
            letter => {
                name.push(match upper {
                    true => letter.to_ascii_uppercase(),
                    false => letter,
                });
                upper = false;
            }
        }
    }
    name.push_str("Entry");
    let mut parts = vec![key, value];
    // The map's features for strings apply to its keys and values.
    let features = field.options.as_ref().and_then(|options| options.features);
    let utf8 = features.map_or(0, |features| features.utf8_validation);
    for part in parts
        .iter_mut()
        .filter(|part| utf8 != 0 && part.r#type == kind::STRING)
    {
        let options = part.options.get_or_insert_default();
        options.features.get_or_insert_default().utf8_validation = utf8;
    }
    Message {
        name,
        field: parts,
        options: Some(MessageOptions {
            map_entry: true,
            ..MessageOptions::default()
        }),
        ..Message::default()
    }
}

/// The JSON name as protoc makes it: a letter after `_` becomes a capital.
pub fn json_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for letter in name.chars() {
        match letter {
            '_' => upper = true,
            letter => {
                out.push(match upper {
                    true => letter.to_ascii_uppercase(),
                    false => letter,
                });
                upper = false;
            }
        }
    }
    out
}

/// The default in the form of the descriptor. The error says what it must be.
fn default_value(field: &Field, value: &Value) -> Result<String, String> {
    let wrong = |what: &str| Err(format!("the default has to be {what}"));
    if field.label == label::REPEATED {
        return Err("a repeated field has no default".to_owned());
    }
    let integer = |what: &str, min: i128, max: i128| match value {
        Value::Integer(number, minus) => {
            let number = i128::from(*number) * if *minus { -1 } else { 1 };
            if (min..=max).contains(&number) {
                return Ok(number.to_string());
            }
            wrong(what)
        }
        _ => wrong(what),
    };
    match field.r#type {
        kind::INT32 | kind::SINT32 | kind::SFIXED32 => {
            integer("an int32", i32::MIN.into(), i32::MAX.into())
        }
        kind::INT64 | kind::SINT64 | kind::SFIXED64 => {
            integer("an int64", i64::MIN.into(), i64::MAX.into())
        }
        kind::UINT32 | kind::FIXED32 => integer("a uint32", 0, u32::MAX.into()),
        kind::UINT64 | kind::FIXED64 => integer("a uint64", 0, u64::MAX.into()),
        kind::FLOAT | kind::DOUBLE => match value {
            Value::Integer(number, minus) => {
                Ok(format!("{}{number}", if *minus { "-" } else { "" }))
            }
            Value::Float(number) => Ok(number.to_string()),
            Value::Name(name, minus) if matches!(name.as_str(), "inf" | "nan") => {
                Ok(format!("{}{name}", if *minus { "-" } else { "" }))
            }
            _ => wrong("a number"),
        },
        kind::BOOL => match value {
            Value::Name(name, false) if matches!(name.as_str(), "true" | "false") => {
                Ok(name.clone())
            }
            _ => wrong("true or false"),
        },
        kind::STRING => match value {
            Value::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            _ => wrong("a text"),
        },
        kind::BYTES => match value {
            Value::Text(text) => Ok(escaped(text)),
            _ => wrong("a text"),
        },
        kind::GROUP => Err("a message has no default".to_owned()),
        _ => match value {
            Value::Name(name, false) => Ok(name.clone()),
            _ => wrong("the name of a value"),
        },
    }
}
