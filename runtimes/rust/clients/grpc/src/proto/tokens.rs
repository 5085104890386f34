//! The tokens of a `.proto` text.

use std::fmt::Display;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Integer,
    Float,
    Text,
    Symbol,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Token<'a> {
    pub kind: Kind,
    /// The token as it is written, a text with its quotes.
    pub raw: &'a str,
    pub bytes: &'a [u8],
    pub place: Place,
}

/// Both count from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

impl Place {
    pub fn says(self, what: impl Display) -> String {
        format!("{}:{}: {what}", self.line, self.column)
    }
}

pub fn tokens(text: &[u8]) -> Result<Vec<Token<'_>>, String> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        line_start: 0,
    };
    let mut tokens = Vec::new();
    loop {
        let token = lexer.token()?;
        tokens.push(token);
        if token.kind == Kind::End {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    line: u32,
    line_start: usize,
}

impl<'a> Lexer<'a> {
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn place(&self) -> Place {
        Place {
            line: self.line,
            column: (self.at - self.line_start) as u32 + 1,
        }
    }

    fn token(&mut self) -> Result<Token<'a>, String> {
        self.skip()?;
        let (place, start) = (self.place(), self.at);
        let kind = match self.peek(0) {
            _ if self.at == self.text.len() => Kind::End,
            byte if is_letter(byte) => {
                while is_letter(self.peek(0)) || self.peek(0).is_ascii_digit() {
                    self.at += 1;
                }
                Kind::Name
            }
            byte if byte.is_ascii_digit() => self.number()?,
            b'.' if self.peek(1).is_ascii_digit() => self.number()?,
            quote @ (b'"' | b'\'') => {
                self.text(quote)?;
                Kind::Text
            }
            byte if byte.is_ascii_graphic() => {
                self.at += 1;
                Kind::Symbol
            }
            byte if byte.is_ascii() => {
                return Err(place.says(format!("the byte 0x{byte:02x} cannot be here")));
            }
            _ => {
                return Err(place.says("letters beyond ASCII are only in comments and texts"));
            }
        };
        let bytes = &self.text[start..self.at];
        Ok(Token {
            kind,
            raw: std::str::from_utf8(bytes).unwrap_or("\u{fffd}"),
            bytes,
            place,
        })
    }

    /// Skips white space and comments, which may have any encoding.
    fn skip(&mut self) -> Result<(), String> {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b'\n', _) => self.newline(),
                (b' ' | b'\t' | b'\r' | 0x0b | 0x0c, _) => self.at += 1,
                (b'/', b'/') => {
                    while self.at < self.text.len() && self.peek(0) != b'\n' {
                        self.at += 1;
                    }
                }
                (b'/', b'*') => {
                    let place = self.place();
                    self.at += 2;
                    while (self.peek(0), self.peek(1)) != (b'*', b'/') {
                        match self.peek(0) {
                            _ if self.at >= self.text.len() => {
                                return Err(place.says("this comment has no end"));
                            }
                            b'\n' => self.newline(),
                            _ => self.at += 1,
                        }
                    }
                    self.at += 2;
                }
                _ => return Ok(()),
            }
        }
    }

    fn newline(&mut self) {
        self.at += 1;
        self.line += 1;
        self.line_start = self.at;
    }

    fn number(&mut self) -> Result<Kind, String> {
        let place = self.place();
        let mut kind = Kind::Integer;
        if self.peek(0) == b'0' && matches!(self.peek(1), b'x' | b'X') {
            self.at += 2;
            if !self.peek(0).is_ascii_hexdigit() {
                return Err(place.says("\"0x\" needs hexadecimal digits after it"));
            }
            while self.peek(0).is_ascii_hexdigit() {
                self.at += 1;
            }
        } else {
            self.digits();
            if self.peek(0) == b'.' {
                kind = Kind::Float;
                self.at += 1;
                self.digits();
            }
            if matches!(self.peek(0), b'e' | b'E') {
                kind = Kind::Float;
                self.at += 1;
                if matches!(self.peek(0), b'+' | b'-') {
                    self.at += 1;
                }
                if !self.peek(0).is_ascii_digit() {
                    return Err(place.says("\"e\" needs an exponent after it"));
                }
                self.digits();
            }
            // In aggregate values a number may end in `f`.
            if matches!(self.peek(0), b'f' | b'F') {
                kind = Kind::Float;
                self.at += 1;
            }
        }
        if is_letter(self.peek(0)) || self.peek(0) == b'.' {
            return Err(self
                .place()
                .says("a space is missing between a number and what follows"));
        }
        Ok(kind)
    }

    fn digits(&mut self) {
        while self.peek(0).is_ascii_digit() {
            self.at += 1;
        }
    }

    fn text(&mut self, quote: u8) -> Result<(), String> {
        let place = self.place();
        self.at += 1;
        loop {
            match self.peek(0) {
                _ if self.at >= self.text.len() => {
                    return Err(place.says("this text has no end"));
                }
                b'\n' => return Err(place.says("this text has no end on its line")),
                b'\\' => self.at += 1 + usize::from(!matches!(self.peek(1), b'\n')),
                byte => {
                    self.at += 1;
                    if byte == quote {
                        return Ok(());
                    }
                }
            }
            self.at = self.at.min(self.text.len());
        }
    }
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// Appends the bytes of a text with quotes to `out`.
pub fn unquote(token: &Token<'_>, out: &mut Vec<u8>) -> Result<(), String> {
    let bytes = &token.bytes[1..token.bytes.len() - 1];
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        at += 1;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let wrong = || token.place.says("this text has an invalid escape");
        let letter = *bytes.get(at).ok_or_else(wrong)?;
        at += 1;
        match letter {
            b'0'..=b'7' => {
                let (code, count) = digits(&bytes[at - 1..], 8, 3);
                at += count - 1;
                // Beyond 255, protoc keeps the low byte.
                out.push(code as u8);
            }
            b'x' | b'X' => {
                let (code, count) = digits(&bytes[at..], 16, 2);
                if count == 0 {
                    return Err(wrong());
                }
                at += count;
                out.push(code as u8);
            }
            b'u' | b'U' => {
                let wanted = if letter == b'u' { 4 } else { 8 };
                let (mut code, count) = digits(&bytes[at..], 16, wanted);
                if count < wanted {
                    return Err(wrong());
                }
                at += count;
                if let (0xd800..0xdc00, [b'\\', b'u', rest @ ..]) = (code, &bytes[at..]) {
                    let (low, count) = digits(rest, 16, 4);
                    if count == 4 && (0xdc00..0xe000).contains(&low) {
                        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                        at += 6;
                    }
                }
                // Half of a surrogate pair is not a letter.
                let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'\\' | b'?' | b'\'' | b'"' => out.push(letter),
            _ => return Err(wrong()),
        }
    }
    Ok(())
}

/// The value of up to `most` digits, and their count.
fn digits(bytes: &[u8], radix: u32, most: usize) -> (u32, usize) {
    let values = bytes.iter().take(most);
    let values = values.map_while(|byte| (*byte as char).to_digit(radix));
    values.fold((0, 0), |(code, count), digit| {
        (code.wrapping_mul(radix).wrapping_add(digit), count + 1)
    })
}
