//! Options. Those that decide how messages are read and written are kept; the names of the others are checked.

use super::parser::{Parser, integer_of};
use super::tokens::{Kind, Token};
use crate::descriptor::FeatureSet;

/// The declarations that have options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    File,
    Message,
    Field,
    Oneof,
    Enum,
    EnumValue,
    Range,
    Service,
    Method,
}

#[derive(Clone, Debug)]
pub enum Value {
    /// A name, with `-` before it.
    Name(String, bool),
    Integer(u64, bool),
    Float(f64),
    Text(Vec<u8>),
    Aggregate,
}

impl Value {
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Name(name, false) if name == "true")
    }
}

/// The names of the options that are set, apart from those in brackets.
#[derive(Default)]
pub struct Seen(Vec<String>);

#[derive(Clone, Copy)]
enum Shape {
    Bool,
    Text,
    Name(&'static [&'static str]),
    Names(&'static [&'static str]),
    Message,
    Messages,
}

const TARGETS: &[&str] = &[
    "TARGET_TYPE_UNKNOWN",
    "TARGET_TYPE_FILE",
    "TARGET_TYPE_EXTENSION_RANGE",
    "TARGET_TYPE_MESSAGE",
    "TARGET_TYPE_FIELD",
    "TARGET_TYPE_ONEOF",
    "TARGET_TYPE_ENUM",
    "TARGET_TYPE_ENUM_ENTRY",
    "TARGET_TYPE_SERVICE",
    "TARGET_TYPE_METHOD",
];

/// The options of google/protobuf/descriptor.proto.
fn shape(target: Target, name: &str) -> Option<Shape> {
    use Shape::*;
    if name == "uninterpreted_option" {
        return None;
    }
    Some(match (target, name) {
        (_, "features") => Message,
        (Target::Oneof, _) => return None,
        (Target::Range, "declaration") => Messages,
        (Target::Range, "verification") => Name(&["DECLARATION", "UNVERIFIED"]),
        (Target::Range, _) => return None,
        (_, "deprecated") => Bool,
        (
            Target::File,
            "java_package"
            | "java_outer_classname"
            | "go_package"
            | "objc_class_prefix"
            | "csharp_namespace"
            | "swift_prefix"
            | "php_class_prefix"
            | "php_namespace"
            | "php_metadata_namespace"
            | "ruby_package",
        ) => Text,
        (
            Target::File,
            "java_multiple_files"
            | "java_generate_equals_and_hash"
            | "java_string_check_utf8"
            | "cc_generic_services"
            | "java_generic_services"
            | "py_generic_services"
            | "php_generic_services"
            | "cc_enable_arenas",
        ) => Bool,
        (Target::File, "optimize_for") => Name(&["SPEED", "CODE_SIZE", "LITE_RUNTIME"]),
        (
            Target::Message,
            "message_set_wire_format"
            | "no_standard_descriptor_accessor"
            | "map_entry"
            | "deprecated_legacy_json_field_conflicts",
        ) => Bool,
        (Target::Enum, "allow_alias" | "deprecated_legacy_json_field_conflicts") => Bool,
        (Target::Field, "ctype") => Name(&["STRING", "CORD", "STRING_PIECE"]),
        (Target::Field, "jstype") => Name(&["JS_NORMAL", "JS_STRING", "JS_NUMBER"]),
        (Target::Field, "packed" | "lazy" | "unverified_lazy" | "weak" | "debug_redact") => Bool,
        (Target::EnumValue, "debug_redact") => Bool,
        (Target::Field, "retention") => {
            Name(&["RETENTION_UNKNOWN", "RETENTION_RUNTIME", "RETENTION_SOURCE"])
        }
        (Target::Field, "targets") => Names(TARGETS),
        (Target::Field, "edition_defaults") => Messages,
        (Target::Field | Target::EnumValue, "feature_support") => Message,
        (Target::Method, "idempotency_level") => {
            Name(&["IDEMPOTENCY_UNKNOWN", "NO_SIDE_EFFECTS", "IDEMPOTENT"])
        }
        _ => return None,
    })
}

impl Shape {
    fn takes(self, value: &Value) -> Result<(), String> {
        let takes = match (self, value) {
            (Self::Bool, Value::Name(name, false)) => name == "true" || name == "false",
            (Self::Text, Value::Text(_)) => true,
            (Self::Message | Self::Messages, Value::Aggregate) => true,
            (Self::Name(names) | Self::Names(names), Value::Name(name, false)) => {
                names.contains(&name.as_str())
            }
            _ => false,
        };
        if takes {
            return Ok(());
        }
        Err(match self {
            Self::Bool => "true or false".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::Message | Self::Messages => "fields in { }".to_owned(),
            Self::Name(names) | Self::Names(names) => format!("one of {}", names.join(", ")),
        })
    }
}

impl<'a> Parser<'a> {
    /// Reads `name = value`. `keep` receives the options of `descriptor.proto`, `features` the features.
    pub fn option(
        &mut self,
        target: Target,
        seen: &mut Seen,
        features: &mut Option<FeatureSet>,
        keep: &mut dyn FnMut(&str, &Value) -> Result<(), String>,
    ) -> Result<(), String> {
        let place = self.peek().place;
        let mut parts = vec![self.option_part()?];
        while self.takes(".") {
            parts.push(self.option_part()?);
        }
        self.expect("=")?;
        let aggregate = if self.sees("{") {
            Some(self.balanced()?)
        } else {
            None
        };
        let value_place = self.peek().place;
        let value = match aggregate {
            Some(_) => Value::Aggregate,
            None => self.value()?,
        };
        let name = parts[0].as_str();
        if name.starts_with('(') {
            return Ok(());
        }
        let Some(shape) = shape(target, name) else {
            return Err(place.says(format!(
                "there is no option '{name}' here; those of other files have their names in brackets"
            )));
        };
        let whole = parts.join(".");
        let repeats = matches!(shape, Shape::Names(_) | Shape::Messages) || whole.contains('(');
        if !repeats && seen.0.contains(&whole) {
            return Err(place.says(format!("the option '{whole}' is set already")));
        }
        seen.0.push(whole);
        if parts.len() == 1 {
            let wrong = |what| value_place.says(format!("the option '{name}' is {what}"));
            shape.takes(&value).map_err(wrong)?;
        } else if !matches!(shape, Shape::Message) {
            return Err(place.says(format!("the option '{name}' has no fields")));
        }
        if name != "features" {
            return keep(name, &value).map_err(|error| value_place.says(error));
        }
        if !self.has_editions() {
            return Err(place.says("only files of an edition have features"));
        }
        let features = features.get_or_insert_default();
        match aggregate {
            Some(tokens) if parts.len() == 1 => features_of(&tokens, features),
            _ => match (&parts[1..], &value) {
                ([feature], Value::Name(value, false)) if !feature.starts_with('(') => features
                    .set(feature, value)
                    .map_err(|error| value_place.says(error)),
                // Features of languages.
                ([first, ..], _) if first.starts_with('(') => Ok(()),
                _ => Err(value_place.says("a feature is the name of a value")),
            },
        }
    }

    /// `name` or `(name.of.an.extension)`.
    fn option_part(&mut self) -> Result<String, String> {
        if !self.takes("(") {
            return self.name("the name of an option");
        }
        let name = self.type_name("the name of an extension")?;
        self.expect(")")?;
        Ok(format!("({name})"))
    }

    fn value(&mut self) -> Result<Value, String> {
        let minus = self.takes("-");
        let token = self.peek();
        let value = match token.kind {
            Kind::Name => Value::Name(token.raw.to_owned(), minus),
            // A number beyond 64 bits is a float.
            Kind::Integer => match integer_of(token.raw) {
                Some(number) => Value::Integer(number, minus),
                None => Value::Float(float_of(token.raw, minus)),
            },
            Kind::Float => Value::Float(float_of(token.raw, minus)),
            Kind::Text if !minus => return Ok(Value::Text(self.text("a text")?)),
            _ => return self.expected("the value of the option"),
        };
        self.next();
        Ok(value)
    }

    /// Reads `[a = 1, (b) = 2]`, if present.
    pub fn options_in_brackets(
        &mut self,
        target: Target,
        features: &mut Option<FeatureSet>,
        keep: &mut dyn FnMut(&str, &Value) -> Result<(), String>,
    ) -> Result<(), String> {
        if !self.takes("[") {
            return Ok(());
        }
        let mut seen = Seen::default();
        loop {
            // These two look like options, but are fields of the descriptor.
            let name = self.peek().raw;
            let is_own = target == Target::Field && matches!(name, "default" | "json_name");
            if is_own && self.peek_second().raw == "=" {
                let place = self.next().place;
                self.expect("=")?;
                let value_place = self.peek().place;
                let value = self.value()?;
                if seen.0.iter().any(|seen| seen == name) {
                    return Err(place.says(format!("the option '{name}' is set already")));
                }
                seen.0.push(name.to_owned());
                keep(name, &value).map_err(|error| value_place.says(error))?;
            } else {
                self.option(target, &mut seen, features, keep)?;
            }
            if !self.takes(",") {
                return self.expect("]");
            }
        }
    }
}

pub fn float_of(raw: &str, minus: bool) -> f64 {
    let number: f64 = raw.trim_end_matches(['f', 'F']).parse().unwrap_or(f64::NAN);
    if minus { -number } else { number }
}

/// `{ field_presence: IMPLICIT, [pb.cpp] { … } }`
fn features_of(tokens: &[Token<'_>], features: &mut FeatureSet) -> Result<(), String> {
    let mut rest = &tokens[1..tokens.len() - 1];
    while let [name, after @ ..] = rest {
        rest = after;
        if matches!(name.raw, "," | ";") {
            continue;
        } else if name.raw == "[" {
            let end = rest.iter().position(|token| token.raw == "]");
            rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
            match rest {
                [colon, after @ ..] if colon.raw == ":" => rest = skip_message(after),
                _ => rest = skip_message(rest),
            }
            continue;
        }
        let ([colon, value, after @ ..], Kind::Name) = (rest, name.kind) else {
            return Err(name
                .place
                .says("expected the name of a feature and its value"));
        };
        if colon.raw != ":" || value.kind != Kind::Name {
            return Err(colon.place.says("expected ':' and the name of a value"));
        }
        let set = features.set(name.raw, value.raw);
        set.map_err(|error| value.place.says(error))?;
        rest = after;
    }
    Ok(())
}

fn skip_message<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.raw {
            "{" | "<" => depth += 1,
            "}" | ">" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return &tokens[index + 1..];
        }
    }
    &[]
}

/// Escapes bytes in the form of a default value.
pub fn escaped(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'"' => out.push_str("\\\""),
            b'\'' => out.push_str("\\'"),
            b'\\' => out.push_str("\\\\"),
            0x20..0x7f => out.push(*byte as char),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out
}
