//! The names and punctuation of Rust source: no comments, strings or characters.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    Name(&'a str),
    /// `::`
    Path,
    Other(u8),
}

pub fn tokens(source: &str) -> Vec<Token<'_>> {
    let bytes = source.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let start = at;
        at += match byte {
            _ if rest.starts_with(b"//") => line(rest),
            _ if rest.starts_with(b"/*") => block(rest),
            _ if raw(rest).is_some() => raw(rest).unwrap_or(1),
            b'"' => quoted(rest),
            b'\'' => character(rest),
            _ if is_name(byte) => {
                let len = name(rest);
                tokens.push(Token::Name(&source[start..start + len]));
                len
            }
            _ if rest.starts_with(b"::") => {
                tokens.push(Token::Path);
                2
            }
            _ => {
                if !byte.is_ascii_whitespace() {
                    tokens.push(Token::Other(byte));
                }
                1
            }
        };
    }
    tokens
}

fn is_name(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric() || !byte.is_ascii()
}

fn name(rest: &[u8]) -> usize {
    let end = rest.iter().position(|byte| !is_name(*byte));
    end.unwrap_or(rest.len())
}

fn line(rest: &[u8]) -> usize {
    let end = rest.iter().position(|byte| *byte == b'\n');
    end.unwrap_or(rest.len())
}

fn block(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `r"…"`, `br#"…"#` and the like.
fn raw(rest: &[u8]) -> Option<usize> {
    let prefix = rest.iter().take_while(|byte| matches!(byte, b'b' | b'c'));
    let start = prefix.count();
    if start > 1 || rest.get(start) != Some(&b'r') {
        return None;
    }
    let hashes = rest[start + 1..].iter().take_while(|byte| **byte == b'#');
    let hashes = hashes.count();
    let open = start + 1 + hashes;
    if rest.get(open) != Some(&b'"') {
        return None;
    }
    let close = [b"\"", "#".repeat(hashes).as_bytes()].concat();
    let text = &rest[open + 1..];
    let end = text.windows(close.len()).position(|end| end == close);
    Some(end.map_or(rest.len(), |end| open + 1 + end + close.len()))
}

/// A character, or the quote of a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        let end = rest.iter().skip(3).position(|byte| *byte == b'\'');
        return end.map_or(rest.len(), |end| end + 4);
    }
    let text = String::from_utf8_lossy(&rest[1..rest.len().min(6)]);
    let len = text.chars().next().map_or(0, char::len_utf8);
    match rest.get(1 + len) {
        Some(b'\'') => len + 2,
        _ => 1,
    }
}

#[test]
fn only_names_and_punctuation_are_tokens() {
    let source = r##"a::b // c::d
        /* e /* f */ g */ "h\"i" 'j' '\'' b'k' r#"l"m"# &'n o '"'"##;
    let names = tokens(source);
    let names: Vec<_> = names
        .iter()
        .filter_map(|token| match token {
            Token::Name(name) => Some(*name),
            _ => None,
        })
        .collect();
    assert_eq!(names, ["a", "b", "b", "n", "o"]);
}
