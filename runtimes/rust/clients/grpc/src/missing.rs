//! Finds the types and extensions that a message needs and that are still unknown.

use crate::msgpack::{Reader, Value};
use crate::question::{Extension, Question};
use crate::special::type_of;
use crate::types::{Kind, MAX_DEPTH, Message, NO_SET, Shape, Special, Types};
use crate::wire::{self, Raw};

/// The most questions for one message.
const MAX_MISSING: usize = 20;

/// The unknown types of an answer.
pub fn in_message(types: &Types, message: usize, bytes: &[u8]) -> Vec<Question> {
    let mut found = Vec::new();
    if types.messages[message].is_open {
        in_bytes(types, message, bytes, 0, &mut found);
    }
    found
}

/// The unknown types of the `google.rpc.Status` of an error.
pub fn in_details(types: &Types, mut status: &[u8]) -> Vec<Question> {
    let mut found = Vec::new();
    while let (false, Ok((number, raw))) = (status.is_empty(), wire::field(&mut status)) {
        if let (3, Raw::Bytes(detail)) = (number, raw) {
            in_any(types, NO_SET, detail, 0, &mut found);
        }
    }
    found
}

/// The unknown types of a Lua table that is to be sent.
pub fn in_table(types: &Types, message: usize, table: &[u8]) -> Vec<Question> {
    let mut found = Vec::new();
    if types.messages[message].is_open {
        let mut reader = Reader::new(table);
        // The encoder reports errors of the table.
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
    if message.special == Some(Special::Any) {
        return in_any(types, message.set, bytes, depth, found);
    }
    while let (false, Ok((number, raw))) = (bytes.is_empty(), wire::field(&mut bytes)) {
        in_field(types, message, number, raw, depth, found);
    }
}

/// `set` is the set whose types the Any refers to first.
fn in_any(types: &Types, set: usize, mut bytes: &[u8], depth: usize, found: &mut Vec<Question>) {
    let (mut url, mut value) = (&[][..], &[][..]);
    while let (false, Ok((number, raw))) = (bytes.is_empty(), wire::field(&mut bytes)) {
        match (number, raw) {
            (1, Raw::Bytes(bytes)) => url = bytes,
            (2, Raw::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let Ok(url) = std::str::from_utf8(url) else {
        return;
    };
    match type_of(types, set, url) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::link;
    use crate::msgpack::{put_int, put_list, put_map, put_text};
    use crate::proto;

    const TEXT: &str = "syntax = \"proto2\"; import \"google/protobuf/any.proto\"; \
        message M { optional google.protobuf.Any any = 1; repeated M many = 2; map<string, M> by_name = 3; \
        optional group G = 4 { optional M m = 1; } extensions 100 to 199; } \
        message Plain { optional int32 a = 1; }";

    fn types() -> Types {
        let files = proto::compile("t.proto", |name| {
            (name == "t.proto").then_some(TEXT.as_bytes())
        });
        link(&[&files.unwrap()])
    }

    fn part(number: u32, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        wire::put_bytes(&mut out, number, bytes);
        out
    }

    fn any(url: &str, value: &[u8]) -> Vec<u8> {
        part(1, &[part(1, url.as_bytes()), part(2, value)].concat())
    }

    fn symbol(name: &str) -> Question {
        Question::FileContainingSymbol(name.to_owned())
    }

    fn found(bytes: &[u8]) -> Vec<Question> {
        let types = types();
        in_message(&types, types.message("M").unwrap(), bytes)
    }

    #[test]
    fn what_arrives_may_need_types_wherever_messages_are() {
        let unknown = any("type.googleapis.com/a.B", b"x");
        assert_eq!(found(&unknown), [symbol("a.B")]);
        assert_eq!(found(&part(2, &unknown)), [symbol("a.B")]);
        let entry = [part(1, b"key"), part(2, &unknown)].concat();
        assert_eq!(found(&part(3, &entry)), [symbol("a.B")]);
        let group = [&[0x23][..], &part(1, &unknown), &[0x24]].concat();
        assert_eq!(found(&group), [symbol("a.B")]);
        assert_eq!(found(&any("t/M", &unknown)), [symbol("a.B")]);
        assert_eq!(found(&any("t/Plain", b"\x08\x01")), []);
        let extension = Extension {
            containing_type: "M".to_owned(),
            extension_number: 100,
        };
        let asked = [Question::FileContainingExtension(extension)];
        assert_eq!(found(&part(2, &part(100, b"x"))), asked);
        assert_eq!(found(&part(200, b"x")), []);
    }

    #[test]
    fn the_details_of_an_error_may_need_types() {
        let types = types();
        let detail = |bytes: &[u8]| {
            let mut any = bytes;
            let (_, raw) = wire::field(&mut any).unwrap();
            match raw {
                Raw::Bytes(any) => part(3, any),
                _ => Vec::new(),
            }
        };
        let unknown = any("t/a.B", b"");
        let known = any("t/google.rpc.RetryInfo", b"");
        let inner = any("t/M", &any("t/a.C", b""));
        let status = [vec![8, 5], detail(&unknown), detail(&known), detail(&inner)].concat();
        assert_eq!(in_details(&types, &status), [symbol("a.B"), symbol("a.C")]);
        for end in 0..status.len() {
            in_details(&types, &status[..end]);
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_not() {
        for url in ["", "t/", "t/a..b", "t/a b", "t/\u{e4}", "t/a\n"] {
            assert_eq!(found(&any(url, b"")), [], "{url}");
        }
        assert_eq!(found(&any(&format!("t/{}", "a".repeat(5000)), b"")), []);
        let many: Vec<u8> = (0..100)
            .flat_map(|k| part(2, &any(&format!("t/a.B{k}"), b"")))
            .collect();
        assert_eq!(found(&many).len(), MAX_MISSING);
        let mut deep = any("t/a.B", b"");
        for _ in 0..200 {
            deep = part(2, &deep);
        }
        assert_eq!(found(&deep), []);
        for end in 0..many.len() {
            found(&many[..end]);
        }
    }

    #[test]
    fn what_is_sent_may_need_types_wherever_tables_are() {
        let unknown = |out: &mut Vec<u8>| {
            put_map(out, 2);
            put_text(out, b"any");
            put_map(out, 2);
            put_text(out, b"n");
            put_int(out, 1);
            put_text(out, b"@type");
            put_text(out, b"t/a.B");
            put_text(out, b"[a.ext]");
            put_int(out, 1);
        };
        let mut table = Vec::new();
        put_map(&mut table, 2);
        put_text(&mut table, b"many");
        put_list(&mut table, 1);
        unknown(&mut table);
        put_text(&mut table, b"byName");
        put_map(&mut table, 1);
        put_text(&mut table, b"key");
        unknown(&mut table);
        let types = types();
        let message = types.message("M").unwrap();
        let asked = [symbol("a.B"), symbol("a.ext")];
        assert_eq!(in_table(&types, message, &table), asked);
        for end in 0..table.len() {
            in_table(&types, message, &table[..end]);
        }
        let plain = types.message("Plain").unwrap();
        assert_eq!(in_table(&types, plain, &table), []);
    }
}
