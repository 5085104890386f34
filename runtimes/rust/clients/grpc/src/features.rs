//! The features of a file: the defaults of its edition (or of `proto2` or `proto3`) and the changes in its options.

use crate::descriptor::{FeatureSet, File, Message};

pub const PROTO2: i32 = 998;
pub const PROTO3: i32 = 999;
pub const EDITION_2023: i32 = 1000;
pub const EDITION_2024: i32 = 1001;

pub mod presence {
    pub const EXPLICIT: i32 = 1;
    pub const IMPLICIT: i32 = 2;
    pub const LEGACY_REQUIRED: i32 = 3;
}
pub mod enum_type {
    pub const OPEN: i32 = 1;
    pub const CLOSED: i32 = 2;
}
pub mod repeated {
    pub const PACKED: i32 = 1;
    pub const EXPANDED: i32 = 2;
}
pub mod utf8 {
    pub const VERIFY: i32 = 2;
    pub const NONE: i32 = 3;
}
pub mod encoding {
    pub const LENGTH_PREFIXED: i32 = 1;
    pub const DELIMITED: i32 = 2;
}
pub mod json {
    pub const ALLOW: i32 = 1;
    pub const LEGACY_BEST_EFFORT: i32 = 2;
}

/// The features with the names of their values, the first of which is 1.
const NAMES: [(&str, &[&str]); 6] = [
    (
        "field_presence",
        &["EXPLICIT", "IMPLICIT", "LEGACY_REQUIRED"],
    ),
    ("enum_type", &["OPEN", "CLOSED"]),
    ("repeated_field_encoding", &["PACKED", "EXPANDED"]),
    // There is no value 1.
    ("utf8_validation", &["", "VERIFY", "NONE"]),
    ("message_encoding", &["LENGTH_PREFIXED", "DELIMITED"]),
    ("json_format", &["ALLOW", "LEGACY_BEST_EFFORT"]),
];

/// Features that do not change how messages are read and written.
const OTHERS: [&str; 2] = ["enforce_naming_style", "default_symbol_visibility"];

/// The edition of a file; `None` if it is unknown.
pub fn edition(file: &File) -> Option<i32> {
    match file.syntax.as_str() {
        "" | "proto2" => Some(PROTO2),
        "proto3" => Some(PROTO3),
        "editions" => Some(file.edition).filter(|edition| defaults(*edition).is_some()),
        _ => None,
    }
}

fn defaults(edition: i32) -> Option<FeatureSet> {
    Some(match edition {
        PROTO2 => FeatureSet {
            field_presence: presence::EXPLICIT,
            enum_type: enum_type::CLOSED,
            repeated_field_encoding: repeated::EXPANDED,
            utf8_validation: utf8::NONE,
            message_encoding: encoding::LENGTH_PREFIXED,
            json_format: json::LEGACY_BEST_EFFORT,
        },
        PROTO3 => FeatureSet {
            field_presence: presence::IMPLICIT,
            enum_type: enum_type::OPEN,
            repeated_field_encoding: repeated::PACKED,
            utf8_validation: utf8::VERIFY,
            message_encoding: encoding::LENGTH_PREFIXED,
            json_format: json::ALLOW,
        },
        EDITION_2023 | EDITION_2024 => FeatureSet {
            field_presence: presence::EXPLICIT,
            enum_type: enum_type::OPEN,
            repeated_field_encoding: repeated::PACKED,
            utf8_validation: utf8::VERIFY,
            message_encoding: encoding::LENGTH_PREFIXED,
            json_format: json::ALLOW,
        },
        _ => return None,
    })
}

/// The features of a file of a known edition.
pub fn of_file(file: &File) -> FeatureSet {
    let around = edition(file).and_then(defaults).unwrap_or_default();
    let own = file.options.as_ref().and_then(|options| options.features);
    around.with(own)
}

pub fn of_message(message: &Message, around: FeatureSet) -> FeatureSet {
    let own = message.options.as_ref();
    around.with(own.and_then(|options| options.features))
}

impl FeatureSet {
    /// These features with the changes of `own`.
    pub fn with(mut self, own: Option<FeatureSet>) -> Self {
        if let Some(mut own) = own {
            for (value, own) in self.values().into_iter().zip(own.values()) {
                if *own != 0 {
                    *value = *own;
                }
            }
        }
        self
    }

    /// In the order of `NAMES`.
    fn values(&mut self) -> [&mut i32; 6] {
        [
            &mut self.field_presence,
            &mut self.enum_type,
            &mut self.repeated_field_encoding,
            &mut self.utf8_validation,
            &mut self.message_encoding,
            &mut self.json_format,
        ]
    }

    /// Sets a feature by its name. The error lists the possible values.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if OTHERS.contains(&name) {
            return Ok(());
        }
        let Some(at) = NAMES.iter().position(|(known, _)| *known == name) else {
            return Err(format!("there is no feature '{name}'"));
        };
        let names = NAMES[at].1;
        let number = names.iter().position(|known| *known == value);
        let Some(number) = number.filter(|_| !value.is_empty()) else {
            let names: Vec<&str> = names.iter().copied().filter(|n| !n.is_empty()).collect();
            let names = names.join(", ");
            return Err(format!("features.{name} is one of {names}, not {value}"));
        };
        *self.values()[at] = number as i32 + 1;
        Ok(())
    }
}
