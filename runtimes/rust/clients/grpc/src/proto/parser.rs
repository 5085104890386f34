//! Reads a `.proto` text token by token, for the readers of its parts.

use std::collections::HashMap;

use super::tokens::{Kind, Place, Token, tokens, unquote};
use crate::descriptor::Range;
use crate::features::{EDITION_2023, PROTO2};

/// The places of a file's declarations in its text, by their paths in the descriptor as in `SourceCodeInfo`.
pub type Places = HashMap<Vec<i32>, Place>;

pub struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    pub places: Places,
    /// The path of the current declaration.
    pub path: Vec<i32>,
    pub edition: i32,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a [u8]) -> Result<Self, String> {
        Ok(Self {
            tokens: tokens(text)?,
            at: 0,
            places: Places::new(),
            path: Vec::new(),
            edition: PROTO2,
        })
    }

    pub fn peek(&self) -> Token<'a> {
        self.tokens[self.at]
    }

    pub fn peek_second(&self) -> Token<'a> {
        self.tokens[(self.at + 1).min(self.tokens.len() - 1)]
    }

    pub fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    pub fn sees(&self, raw: &str) -> bool {
        let token = self.peek();
        token.raw == raw && matches!(token.kind, Kind::Name | Kind::Symbol)
    }

    pub fn takes(&mut self, raw: &str) -> bool {
        let sees = self.sees(raw);
        if sees {
            self.next();
        }
        sees
    }

    /// An error at the next token.
    pub fn expected<T>(&self, what: &str) -> Result<T, String> {
        let token = self.peek();
        Err(token.place.says(match token.kind {
            Kind::End => format!("expected {what}, but the file ends"),
            Kind::Text => format!("expected {what}, but found {}", token.raw),
            _ => format!("expected {what}, but found '{}'", token.raw),
        }))
    }

    pub fn expect(&mut self, raw: &str) -> Result<(), String> {
        if self.takes(raw) {
            return Ok(());
        }
        self.expected(&format!("'{raw}'"))
    }

    pub fn name(&mut self, what: &str) -> Result<String, String> {
        if self.peek().kind != Kind::Name {
            return self.expected(what);
        }
        Ok(self.next().raw.to_owned())
    }

    /// Reads a name and notes its place.
    pub fn marked_name(&mut self, what: &str) -> Result<String, String> {
        let place = self.peek().place;
        let name = self.name(what)?;
        self.mark(&[], place);
        Ok(name)
    }

    /// Reads `a.b.c`, optionally with a dot before it.
    pub fn type_name(&mut self, what: &str) -> Result<String, String> {
        let mut name = String::new();
        if self.takes(".") {
            name.push('.');
        }
        name.push_str(&self.name(what)?);
        while self.takes(".") {
            name.push('.');
            name.push_str(&self.name("a name")?);
        }
        Ok(name)
    }

    /// Reads one text, or several in a row, which are joined.
    pub fn text(&mut self, what: &str) -> Result<Vec<u8>, String> {
        if self.peek().kind != Kind::Text {
            return self.expected(what);
        }
        let mut text = Vec::new();
        while self.peek().kind == Kind::Text {
            unquote(&self.next(), &mut text)?;
        }
        Ok(text)
    }

    pub fn utf8(&mut self, what: &str) -> Result<String, String> {
        let place = self.peek().place;
        let text = self.text(what)?;
        String::from_utf8(text).map_err(|_| place.says("this text is not UTF-8"))
    }

    /// Reads a whole number of at most `most`.
    pub fn integer(&mut self, what: &str, most: u64) -> Result<u64, String> {
        let token = self.peek();
        if token.kind != Kind::Integer {
            return self.expected(what);
        }
        let number = integer_of(token.raw).filter(|number| *number <= most);
        let number = number.ok_or_else(|| token.place.says(format!("{} is too large", token.raw)));
        self.next();
        number
    }

    pub fn mark(&mut self, tail: &[i32], place: Place) {
        let mut path = self.path.clone();
        path.extend_from_slice(tail);
        self.places.insert(path, place);
    }

    /// Reads a declaration at this place in the current descriptor.
    pub fn within<T>(
        &mut self,
        field: i32,
        index: usize,
        read: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        self.path.extend([field, index as i32]);
        let read = read(self);
        self.path.truncate(self.path.len() - 2);
        read
    }

    /// Skips a bracket with everything inside it.
    pub fn balanced(&mut self) -> Result<Vec<Token<'a>>, String> {
        let (opening, start) = (self.peek(), self.at);
        let mut depth = 0_usize;
        loop {
            let token = self.next();
            match token.raw {
                _ if token.kind == Kind::End => {
                    return Err(opening.place.says("this bracket is never closed"));
                }
                "{" | "[" | "<" if token.kind == Kind::Symbol => depth += 1,
                "}" | "]" | ">" if token.kind == Kind::Symbol => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(self.tokens[start..self.at].to_vec());
            }
        }
    }

    pub fn has_editions(&self) -> bool {
        self.edition >= EDITION_2023
    }

    pub fn signed(&mut self, what: &str) -> Result<i32, String> {
        if self.takes("-") {
            let number = self.integer(what, 1 << 31)?;
            return Ok((-(number as i64)) as i32);
        }
        Ok(self.integer(what, i32::MAX as u64)? as i32)
    }

    /// `max` becomes -1 in a message, where its value depends on options.
    pub fn range(&mut self, of_enum: bool) -> Result<Range, String> {
        let read = |parser: &mut Self| match of_enum {
            true => parser.signed("a number"),
            false => parser
                .integer("a number", i32::MAX as u64 - 1)
                .map(|number| number as i32),
        };
        let place = self.peek().place;
        let start = read(self)?;
        let last = if !self.takes("to") {
            start
        } else if self.takes("max") {
            if !of_enum {
                return Ok(Range { start, end: -1 });
            }
            i32::MAX
        } else {
            read(self)?
        };
        if last < start {
            return Err(place.says("the range ends before it begins"));
        }
        let end = if of_enum { last } else { last + 1 };
        Ok(Range { start, end })
    }
}

/// Decimal, hexadecimal or octal.
pub fn integer_of(raw: &str) -> Option<u64> {
    if let Some(digits) = raw.strip_prefix("0x").or_else(|| raw.strip_prefix("0X")) {
        u64::from_str_radix(digits, 16).ok()
    } else if raw.len() > 1 && raw.starts_with('0') {
        u64::from_str_radix(raw, 8).ok()
    } else {
        raw.parse().ok()
    }
}
