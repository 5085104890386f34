//! Enums, and the reserved numbers and names of enums and messages.

use super::options::{Seen, Target};
use super::parser::Parser;
use super::tokens::Kind;
use crate::descriptor::{Enum, EnumOptions, EnumValue, Range};

impl Parser<'_> {
    pub fn enumeration(&mut self, visibility: i32) -> Result<Enum, String> {
        let mut found = Enum {
            name: self.marked_name("the name of the enum")?,
            visibility,
            ..Enum::default()
        };
        let mut seen = Seen::default();
        self.expect("{")?;
        while !self.takes("}") {
            if self.takes(";") {
                continue;
            }
            if self.sees("option") && self.peek_second().raw != "=" {
                self.next();
                let mut options = found.options.take().unwrap_or_default();
                let EnumOptions {
                    allow_alias,
                    deprecated_legacy_json_field_conflicts: legacy,
                    features,
                } = &mut options;
                self.option(Target::Enum, &mut seen, features, &mut |name, value| {
                    match name {
                        "allow_alias" => *allow_alias = value.is_true(),
                        "deprecated_legacy_json_field_conflicts" => *legacy = value.is_true(),
                        _ => {}
                    }
                    Ok(())
                })?;
                found.options = Some(options);
                self.expect(";")?;
            } else if self.sees("reserved") && self.peek_second().raw != "=" {
                self.next();
                self.reserved(&mut found.reserved_range, &mut found.reserved_name, true)?;
            } else {
                let value = self.within(2, found.value.len(), |parser| {
                    let name = parser.marked_name("the name of a value, or '}'")?;
                    parser.expect("=")?;
                    let number = parser.signed("the number of the value")?;
                    parser.options_in_brackets(Target::EnumValue, &mut None, &mut |_, _| Ok(()))?;
                    parser.expect(";")?;
                    Ok(EnumValue { name, number })
                })?;
                found.value.push(value);
            }
        }
        Ok(found)
    }

    /// `2, 9 to 11, 40 to max` or `"a", "b"`; in editions the names have no quotes. The ranges of an enum include their
    /// ends.
    pub fn reserved(
        &mut self,
        ranges: &mut Vec<Range>,
        names: &mut Vec<String>,
        of_enum: bool,
    ) -> Result<(), String> {
        let place = self.peek().place;
        loop {
            match self.peek().kind {
                Kind::Text if !self.has_editions() => names.push(self.utf8("a name")?),
                Kind::Text => {
                    return Err(place.says("in editions, a reserved name has no quotes"));
                }
                Kind::Name if self.has_editions() => names.push(self.name("a name")?),
                _ => ranges.push(self.range(of_enum)?),
            }
            if !self.takes(",") {
                return self.expect(";");
            }
        }
    }
}
