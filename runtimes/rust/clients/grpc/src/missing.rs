//! The types and extensions that a message needs and nobody has told of yet.

use crate::encode::MAX_DEPTH;
use crate::msgpack::{Reader, Value};
use crate::reflection::{Extension, Question};
use crate::special::type_of;
use crate::types::{Kind, Message, Shape, Special, Types};
use crate::wire::{self, Raw};

/// What there may be to ask for in one message.
const MAX_MISSING: usize = 20;

/// Of a message that arrived.
pub fn in_message(types: &Types, message: usize, bytes: &[u8]) -> Vec<Question> {
    let mut found = Vec::new();
    if types.messages[message].is_open {
        in_bytes(types, message, bytes, 0, &mut found);
    }
    found
}

/// Of the Lua table of one that is to be sent.
pub fn in_table(types: &Types, message: usize, table: &[u8]) -> Vec<Question> {
    let mut found = Vec::new();
    if types.messages[message].is_open {
        let mut reader = Reader::new(table);
        // Whatever is wrong with it is told when it is encoded.
        let _ = in_value(types, message, &mut reader, 0, &mut found);
    }
    found
}

fn add(found: &mut Vec<Question>, question: Question) {
    if found.len() < MAX_MISSING && !found.contains(&question) {
        found.push(question);
    }
}

fn add_symbol(found: &mut Vec<Question>, name: &str) {
    let is_name = |part: &str| !part.is_empty() && !part.contains(|c: char| !is_letter(c));
    if name.len() < 1000 && name.split('.').all(is_name) {
        add(found, Question::FileContainingSymbol(name.to_owned()));
    }
}

fn is_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

fn last_part(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

fn in_bytes(
    types: &Types,
    index: usize,
    mut bytes: &[u8],
    depth: usize,
    found: &mut Vec<Question>,
) {
    let message = &types.messages[index];
    if !message.is_open || depth == MAX_DEPTH {
        return;
    }
    let (mut url, mut value) = (&[][..], &[][..]);
    while let (false, Ok((number, raw))) = (bytes.is_empty(), wire::field(&mut bytes)) {
        match (number, raw) {
            (1, Raw::Bytes(bytes)) if message.special == Some(Special::Any) => url = bytes,
            (2, Raw::Bytes(bytes)) if message.special == Some(Special::Any) => value = bytes,
            _ => in_field(types, message, number, raw, depth, found),
        }
    }
    let Ok(url) = std::str::from_utf8(url) else {
        return;
    };
    match type_of(types, message.set, url) {
        _ if url.is_empty() => {}
        Some((types, index)) => in_bytes(types, index, value, depth + 1, found),
        None => add_symbol(found, last_part(url)),
    }
}

fn in_field(
    types: &Types,
    message: &Message,
    number: u32,
    raw: Raw<'_>,
    depth: usize,
    found: &mut Vec<Question>,
) {
    let Some(field) = message.numbered(number) else {
        if message.extends_to(number) {
            let extension = Extension {
                containing_type: message.name.clone(),
                extension_number: number as i32,
            };
            add(found, Question::FileContainingExtension(extension));
        }
        return;
    };
    let field = &message.fields[field];
    match (field.shape, field.kind, raw) {
        (Shape::Map { value, .. }, _, Raw::Bytes(mut entry)) => {
            while let (false, Ok(part)) = (entry.is_empty(), wire::field(&mut entry)) {
                if let ((2, Raw::Bytes(bytes)), Kind::Message(index)) = (part, value) {
                    in_bytes(types, index, bytes, depth + 1, found);
                }
            }
        }
        (_, Kind::Message(index) | Kind::Group(index), Raw::Bytes(bytes) | Raw::Group(bytes)) => {
            in_bytes(types, index, bytes, depth + 1, found);
        }
        _ => {}
    }
}

/// `None` if the table ends too early.
fn in_value(
    types: &Types,
    index: usize,
    reader: &mut Reader<'_>,
    depth: usize,
    found: &mut Vec<Question>,
) -> Option<()> {
    let message = &types.messages[index];
    let mut ahead = *reader;
    let Ok(Value::Map(n)) = ahead.next() else {
        return reader.skip().ok();
    };
    if !message.is_open || depth == MAX_DEPTH {
        return reader.skip().ok();
    }
    reader.next().ok()?;
    if message.special == Some(Special::Any) {
        let (whole, mut any) = (*reader, None);
        for _ in 0..n {
            let is_type = reader.next().ok()? == Value::Text(b"@type");
            let value = reader.raw().ok()?;
            let Some(url) = Reader::new(value).string().ok().filter(|_| is_type) else {
                continue;
            };
            match type_of(types, message.set, url) {
                Some((types, index)) => any = Some((types, index)),
                None => add_symbol(found, last_part(url)),
            }
        }
        return match any {
            Some((types, index)) => in_fields(types, index, &mut { whole }, n, depth, found),
            None => Some(()),
        };
    }
    in_fields(types, index, reader, n, depth, found)
}

fn in_fields(
    types: &Types,
    index: usize,
    reader: &mut Reader<'_>,
    n: usize,
    depth: usize,
    found: &mut Vec<Question>,
) -> Option<()> {
    let message = &types.messages[index];
    for _ in 0..n {
        let Value::Text(name) = reader.next().ok()? else {
            reader.skip().ok()?;
            continue;
        };
        let Some(field) = message.field(name).map(|index| &message.fields[index]) else {
            let name = std::str::from_utf8(name).unwrap_or_default();
            let name = name
                .strip_prefix('[')
                .and_then(|name| name.strip_suffix(']'));
            if let Some(name) = name {
                add_symbol(found, name);
            }
            reader.skip().ok()?;
            continue;
        };
        let kind = match field.shape {
            Shape::Map { value, .. } => value,
            _ => field.kind,
        };
        let (Kind::Message(index) | Kind::Group(index)) = kind else {
            reader.skip().ok()?;
            continue;
        };
        let mut ahead = *reader;
        match (field.shape, ahead.next().ok()?) {
            (Shape::List { .. }, Value::List(items)) => {
                *reader = ahead;
                for _ in 0..items {
                    in_value(types, index, reader, depth + 1, found)?;
                }
            }
            (Shape::Map { .. }, Value::Map(entries)) => {
                *reader = ahead;
                for _ in 0..entries {
                    reader.skip().ok()?;
                    in_value(types, index, reader, depth + 1, found)?;
                }
            }
            _ => in_value(types, index, reader, depth + 1, found)?,
        }
    }
    Some(())
}
