//! The rules beyond the grammar, such as numbers and names that exclude each other.

use std::collections::HashMap;

use super::field::json_name;
use super::source::Source;
use super::symbols::says;
use crate::descriptor::{Enum, FeatureSet, Field, Message, Range, kind, label};
use crate::features::{self, enum_type, json};

/// The highest number of a field, and the range that protobuf reserves for itself.
const MAX_NUMBER: i32 = (1 << 29) - 1;
const OWN: std::ops::RangeInclusive<i32> = 19000..=19999;

pub fn check(source: &Source) -> Result<(), String> {
    let Source { file, .. } = source;
    if features::edition(file).is_none() {
        let found = match file.syntax.as_str() {
            "editions" => format!("edition {}", file.edition),
            syntax => format!("syntax \"{syntax}\""),
        };
        let text = format!("{found} is not known: there are proto2, proto3, 2023 and 2024");
        return Err(says(&file.name, None, &text));
    }
    let around = features::of_file(file);
    let mut path = Vec::new();
    let checks = Checks { source };
    for (k, message) in file.message_type.iter().enumerate() {
        checks.within(&mut path, [4, k as i32], |path| {
            checks.message(message, around, path)
        })?;
    }
    for (k, found) in file.enum_type.iter().enumerate() {
        checks.within(&mut path, [5, k as i32], |path| {
            checks.enumeration(found, around, path)
        })?;
    }
    for (k, extension) in file.extension.iter().enumerate() {
        checks.within(&mut path, [7, k as i32], |path| {
            checks.packed(extension, path)
        })?;
    }
    Ok(())
}

struct Checks<'s> {
    source: &'s Source,
}

impl Checks<'_> {
    fn within(
        &self,
        path: &mut Vec<i32>,
        place: [i32; 2],
        check: impl FnOnce(&mut Vec<i32>) -> Result<(), String>,
    ) -> Result<(), String> {
        path.extend(place);
        let checked = check(path);
        path.truncate(path.len() - 2);
        checked
    }

    fn says(&self, path: &[i32], tail: &[i32], what: String) -> Result<(), String> {
        let mut whole = path.to_vec();
        whole.extend_from_slice(tail);
        let place = self.source.places.get(&whole).copied();
        Err(says(&self.source.file.name, place, &what))
    }

    fn message(
        &self,
        message: &Message,
        around: FeatureSet,
        path: &mut Vec<i32>,
    ) -> Result<(), String> {
        let features = features::of_message(message, around);
        let mut numbers = HashMap::new();
        for (k, field) in message.field.iter().enumerate() {
            self.within(path, [2, k as i32], |path| {
                self.number(message, field, path)?;
                self.packed(field, path)?;
                if let Some(other) = numbers.insert(field.number, &field.name) {
                    let number = field.number;
                    let text = format!("field \"{other}\" has the number {number}, too");
                    return self.says(path, &[3], text);
                }
                Ok(())
            })?;
        }
        let oneofs = message.oneof_decl.len() as i32;
        for (k, oneof) in message.oneof_decl.iter().enumerate() {
            let mut fields = message.field.iter();
            if !fields.any(|field| field.oneof_index == Some(k as i32)) {
                let text = format!("the oneof \"{}\" has no field", oneof.name);
                return self.says(path, &[8, k as i32], text);
            }
        }
        for field in &message.field {
            if field
                .oneof_index
                .is_some_and(|index| !(0..oneofs).contains(&index))
            {
                let text = format!("field \"{}\" is in a oneof that is not there", field.name);
                return self.says(path, &[], text);
            }
        }
        self.json_names(message, features, path)?;
        for (k, extension) in message.extension.iter().enumerate() {
            self.within(path, [6, k as i32], |path| self.packed(extension, path))?;
        }
        for (k, nested) in message.nested_type.iter().enumerate() {
            self.within(path, [3, k as i32], |path| {
                self.message(nested, features, path)
            })?;
        }
        for (k, nested) in message.enum_type.iter().enumerate() {
            self.within(path, [4, k as i32], |path| {
                self.enumeration(nested, features, path)
            })?;
        }
        Ok(())
    }

    fn number(&self, message: &Message, field: &Field, path: &[i32]) -> Result<(), String> {
        let number = field.number;
        let within = |ranges: &[Range]| {
            ranges
                .iter()
                .any(|range| (range.start..range.end).contains(&number))
        };
        let text = if !(1..=MAX_NUMBER).contains(&number) {
            format!("the number of a field is 1 to {MAX_NUMBER}, not {number}")
        } else if OWN.contains(&number) {
            format!(
                "the numbers {} to {} are protobuf's own",
                OWN.start(),
                OWN.end()
            )
        } else if within(&message.reserved_range) {
            format!("the number {number} is reserved in \"{}\"", message.name)
        } else if within(&message.extension_range) {
            format!(
                "the number {number} of \"{}\" is for extensions",
                message.name
            )
        } else if message.reserved_name.contains(&field.name) {
            format!(
                "the name \"{}\" is reserved in \"{}\"",
                field.name, message.name
            )
        } else {
            return Ok(());
        };
        self.says(path, &[3], text)
    }

    fn packed(&self, field: &Field, path: &[i32]) -> Result<(), String> {
        let packed = field.options.as_ref().and_then(|options| options.packed);
        let takes = field.label == label::REPEATED && is_packable(field);
        if packed == Some(true) && !takes {
            let text = "only repeated numbers, booleans and enums are packed".to_owned();
            return self.says(path, &[], text);
        }
        Ok(())
    }

    /// In files with JSON support all JSON names must differ; in others only those given by json_name.
    fn json_names(
        &self,
        message: &Message,
        features: FeatureSet,
        path: &[i32],
    ) -> Result<(), String> {
        let options = message.options.as_ref();
        if options.is_some_and(|options| options.deprecated_legacy_json_field_conflicts) {
            return Ok(());
        }
        let counts = features.json_format == json::ALLOW;
        for own in [false, true] {
            let mut names: HashMap<String, (&str, bool)> = HashMap::new();
            for (k, field) in message.field.iter().enumerate() {
                let usual = json_name(&field.name);
                let is_own = own && !field.json_name.is_empty() && field.json_name != usual;
                let name = if is_own {
                    field.json_name.clone()
                } else {
                    usual
                };
                let this = (field.name.as_str(), is_own);
                let Some((other, other_own)) = names.insert(name.clone(), this) else {
                    continue;
                };
                let told = match own {
                    true => is_own && other_own || counts && (is_own || other_own),
                    false => counts,
                };
                if !told {
                    continue;
                }
                let text = format!("field \"{other}\" has the JSON name \"{name}\", too");
                return self.says(path, &[2, k as i32], text);
            }
        }
        Ok(())
    }

    fn enumeration(&self, found: &Enum, around: FeatureSet, path: &[i32]) -> Result<(), String> {
        let options = found.options.as_ref();
        let features = around.with(options.and_then(|options| options.features));
        let may_alias = options.is_some_and(|options| options.allow_alias);
        let Some(first) = found.value.first() else {
            return self.says(
                path,
                &[],
                format!("the enum \"{}\" has no value", found.name),
            );
        };
        if features.enum_type == enum_type::OPEN && first.number != 0 {
            let text = format!(
                "the first value of \"{}\" has to be 0: it is open",
                found.name
            );
            return self.says(path, &[2, 0], text);
        }
        let mut numbers = HashMap::new();
        for (k, value) in found.value.iter().enumerate() {
            let number = value.number;
            let reserved = &found.reserved_range;
            let other = numbers.insert(number, &value.name);
            let text = if let Some(other) = other.filter(|_| !may_alias) {
                format!(
                    "\"{other}\" is {number}, too: with \"option allow_alias = true;\" it may be"
                )
            } else if reserved
                .iter()
                .any(|range| (range.start..=range.end).contains(&number))
            {
                format!("the number {number} is reserved in \"{}\"", found.name)
            } else if found.reserved_name.contains(&value.name) {
                format!(
                    "the name \"{}\" is reserved in \"{}\"",
                    value.name, found.name
                )
            } else {
                continue;
            };
            return self.says(path, &[2, k as i32], text);
        }
        Ok(())
    }
}

pub fn is_packable(field: &Field) -> bool {
    !matches!(
        field.r#type,
        kind::STRING | kind::BYTES | kind::MESSAGE | kind::GROUP
    )
}
