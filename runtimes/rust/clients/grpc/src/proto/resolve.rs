//! Resolves the names of types to full names with a leading dot, and gives each field its kind.

use super::source::Source;
use super::symbols::{At, Symbols, What, joined};
use crate::descriptor::{Field, File, Message, kind};

/// `strict`: a file may use only names of the files that it imports.
pub fn resolve(sources: &mut [Source], strict: bool) -> Result<(), String> {
    let mut symbols = Symbols::new(sources, strict)?;
    for (file, Source { file: own, places }) in sources.iter_mut().enumerate() {
        let mut at = At {
            file,
            name: own.name.clone(),
            places,
            path: Vec::new(),
        };
        symbols.file(own, &mut at)?;
    }
    Ok(())
}

impl Symbols {
    fn file(&mut self, file: &mut File, at: &mut At<'_>) -> Result<(), String> {
        let package = file.package.clone();
        for (k, message) in file.message_type.iter_mut().enumerate() {
            self.message(message, &package, at, [4, k as i32])?;
        }
        for (k, extension) in file.extension.iter_mut().enumerate() {
            self.field(extension, &package, at, [7, k as i32])?;
        }
        for (k, service) in file.service.iter_mut().enumerate() {
            let scope = joined(&package, &service.name);
            for (m, method) in service.method.iter_mut().enumerate() {
                let place = [6, k as i32, 2, m as i32];
                for (number, name) in [(2, &mut method.input_type), (3, &mut method.output_type)] {
                    let tail = [place[0], place[1], place[2], place[3], number];
                    *name = self.message_named(name, &scope, at, &tail)?;
                }
            }
        }
        Ok(())
    }

    fn message(
        &mut self,
        message: &mut Message,
        scope: &str,
        at: &mut At<'_>,
        place: [i32; 2],
    ) -> Result<(), String> {
        let scope = joined(scope, &message.name);
        at.path.extend(place);
        for (k, field) in message.field.iter_mut().enumerate() {
            self.field(field, &scope, at, [2, k as i32])?;
        }
        for (k, extension) in message.extension.iter_mut().enumerate() {
            self.field(extension, &scope, at, [6, k as i32])?;
        }
        for (k, nested) in message.nested_type.iter_mut().enumerate() {
            self.message(nested, &scope, at, [3, k as i32])?;
        }
        at.path.truncate(at.path.len() - 2);
        Ok(())
    }

    fn field(
        &mut self,
        field: &mut Field,
        scope: &str,
        at: &mut At<'_>,
        [list, index]: [i32; 2],
    ) -> Result<(), String> {
        if !field.extendee.is_empty() {
            let tail = [list, index, 2];
            field.extendee = self.message_named(&field.extendee, scope, at, &tail)?;
            self.extension(field, scope, at, [list, index])?;
        }
        if field.type_name.is_empty() {
            return match field.r#type {
                0 | kind::MESSAGE | kind::GROUP | kind::ENUM => at.says(
                    &[list, index],
                    format!("field \"{}\" has no type", field.name),
                ),
                kind::DOUBLE..=kind::SINT64 => Ok(()),
                other => {
                    let text = format!("field \"{}\" is of type {other}", field.name);
                    at.says(&[list, index], format!("{text}, which is not known"))
                }
            };
        }
        let tail = [list, index, 6];
        let (name, symbol) = self.find(&field.type_name, scope, at, &tail)?;
        let is_message = match symbol.what {
            What::Message(_) => true,
            What::Enum => false,
            _ => return at.says(&tail, format!("'{}' is not a type", field.type_name)),
        };
        match (field.r#type, is_message) {
            (0, true) if field.default_value.is_some() => {
                return at.says(&[list, index], "a message has no default".to_owned());
            }
            (0, true) => field.r#type = kind::MESSAGE,
            (0, false) => field.r#type = kind::ENUM,
            (kind::MESSAGE | kind::GROUP, true) | (kind::ENUM, false) => {}
            _ => return at.says(&tail, format!("\"{name}\" is of another kind")),
        }
        field.type_name = format!(".{name}");
        Ok(())
    }

    fn extension(
        &mut self,
        field: &Field,
        scope: &str,
        at: &At<'_>,
        place: [i32; 2],
    ) -> Result<(), String> {
        let extendee = &field.extendee[1..];
        let number = field.number;
        let tail = [place[0], place[1], 3];
        let symbol = self.by_name.get(extendee).map(|symbol| &symbol.what);
        let takes = matches!(symbol, Some(What::Message(ranges))
            if ranges.iter().any(|range| (range.start..range.end).contains(&number)));
        if !takes {
            let text = format!("\"{extendee}\" has no extension number {number}");
            return at.says(&tail, text);
        }
        let name = joined(scope, &field.name);
        let key = (extendee.to_owned(), number);
        if let Some(other) = self.extensions.insert(key, name) {
            let text = format!("\"{other}\" has this number of \"{extendee}\" already");
            return at.says(&tail, text);
        }
        Ok(())
    }

    fn message_named(
        &self,
        name: &str,
        scope: &str,
        at: &At<'_>,
        tail: &[i32],
    ) -> Result<String, String> {
        let (full, symbol) = self.find(name, scope, at, tail)?;
        if matches!(symbol.what, What::Message(_)) {
            return Ok(format!(".{full}"));
        }
        at.says(tail, format!("'{name}' is not a message"))
    }
}
