//! The outermost level of a `.proto` text.

use super::options::{Seen, Target};
use super::parser::{Parser, Places};
use super::tokens::Kind;
use crate::descriptor::File;
use crate::features::{EDITION_2023, EDITION_2024, PROTO2, PROTO3};

/// Parses a file. Names and the kinds of named types are not resolved yet. An error begins with line and column.
pub fn parse(name: &str, text: &[u8]) -> Result<(File, Places), String> {
    let mut parser = Parser::new(text)?;
    let mut file = File {
        name: name.to_owned(),
        ..File::default()
    };
    parser.syntax(&mut file)?;
    let mut seen = Seen::default();
    while parser.peek().kind != Kind::End {
        parser.statement(&mut file, &mut seen)?;
    }
    Ok((file, parser.places))
}

impl Parser<'_> {
    fn syntax(&mut self, file: &mut File) -> Result<(), String> {
        let keyword = self.peek().raw;
        if !matches!(keyword, "syntax" | "edition") || self.peek_second().raw != "=" {
            return Ok(());
        }
        self.next();
        self.expect("=")?;
        let place = self.peek().place;
        let value = self.utf8("a text")?;
        self.edition = match (keyword, value.as_str()) {
            ("syntax", "proto2") => PROTO2,
            ("syntax", "proto3") => PROTO3,
            ("edition", "2023") => EDITION_2023,
            ("edition", "2024") => EDITION_2024,
            ("syntax", _) => {
                let text = "the syntax is \"proto2\" or \"proto3\"; later ones are editions";
                return Err(place.says(text));
            }
            _ => return Err(place.says("the edition is \"2023\" or \"2024\"")),
        };
        match self.edition {
            PROTO2 => {}
            PROTO3 => file.syntax = value,
            edition => {
                file.syntax = "editions".to_owned();
                file.edition = edition;
            }
        }
        self.expect(";")
    }

    /// Reads `export` or `local` before a message or an enum, as a value of `visibility`.
    pub fn visibility(&mut self) -> i32 {
        let keyword = self.peek().raw;
        let is_one = self.edition >= EDITION_2024
            && matches!(keyword, "export" | "local")
            && matches!(self.peek_second().raw, "message" | "enum");
        if !is_one {
            return 0;
        }
        self.next();
        if keyword == "local" { 1 } else { 2 }
    }

    fn statement(&mut self, file: &mut File, seen: &mut Seen) -> Result<(), String> {
        let visibility = self.visibility();
        let keyword = self.peek();
        match keyword.raw {
            ";" => {
                self.next();
                Ok(())
            }
            "message" => {
                self.next();
                let read = |parser: &mut Self| parser.message(visibility, 0);
                let message = self.within(4, file.message_type.len(), read)?;
                file.message_type.push(message);
                Ok(())
            }
            "enum" => {
                self.next();
                let read = |parser: &mut Self| parser.enumeration(visibility);
                let enumeration = self.within(5, file.enum_type.len(), read)?;
                file.enum_type.push(enumeration);
                Ok(())
            }
            "extend" => {
                self.next();
                self.extend(7, &mut file.extension, 4, &mut file.message_type, 0)
            }
            "service" => {
                self.next();
                let service = self.within(6, file.service.len(), Self::service)?;
                file.service.push(service);
                Ok(())
            }
            "import" => {
                self.mark(&[3, file.dependency.len() as i32], keyword.place);
                self.next();
                self.import(file)
            }
            "package" => {
                self.next();
                if !file.package.is_empty() {
                    return Err(keyword.place.says("the file has a package already"));
                }
                self.mark(&[2], self.peek().place);
                file.package = self.type_name("the name of the package")?;
                if file.package.starts_with('.') {
                    return Err(keyword.place.says("a package does not begin with a dot"));
                }
                self.expect(";")
            }
            "option" => {
                self.next();
                let features = &mut file.options.get_or_insert_default().features;
                self.option(Target::File, seen, features, &mut |_, _| Ok(()))?;
                self.expect(";")
            }
            _ => self.expected(
                "'message', 'enum', 'extend', 'service', 'import', 'package' or 'option'",
            ),
        }
    }

    fn import(&mut self, file: &mut File) -> Result<(), String> {
        let index = file.dependency.len() as i32;
        let place = self.peek().place;
        if self.takes("public") {
            file.public_dependency.push(index);
        } else if self.takes("weak") {
            file.weak_dependency.push(index);
        } else if self.edition >= EDITION_2024 && self.takes("option") {
            // Only its extensions are used, and only in options.
            let name = self.utf8("the name of a file")?;
            file.option_dependency.push(name);
            return self.expect(";");
        }
        let name = self.utf8("the name of a file")?;
        if file.dependency.contains(&name) {
            return Err(place.says(format!("'{name}' is imported twice")));
        }
        file.dependency.push(name);
        self.expect(";")
    }
}
