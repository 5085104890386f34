//! The paths of a FieldMask: `home.city_name` in the message, `home.cityName` in JSON.

/// The path in the message; `None` if it does not consist of lowerCamelCase names.
pub fn snake(path: &str) -> Option<String> {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if !path.split('.').all(is_name) {
        return None;
    }
    let mut snake = String::with_capacity(path.len() + 4);
    for letter in path.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    Some(snake)
}

/// The path in JSON; `None` if it would convert back to another path.
pub fn camel(path: &[u8]) -> Option<String> {
    let path = std::str::from_utf8(path).ok()?;
    let mut camel = String::with_capacity(path.len());
    let mut upper = false;
    for letter in path.chars() {
        if letter == '_' && !upper {
            upper = true;
        } else {
            camel.push(if upper {
                letter.to_ascii_uppercase()
            } else {
                letter
            });
            upper = false;
        }
    }
    (snake(&camel)? == path).then_some(camel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back() {
        for (in_message, in_json) in [
            ("a", "a"),
            ("a_b.c3", "aB.c3"),
            ("_a", "A"),
            ("a.b.c", "a.b.c"),
        ] {
            assert_eq!(camel(in_message.as_bytes()).as_deref(), Some(in_json));
            assert_eq!(snake(in_json).as_deref(), Some(in_message));
        }
    }

    #[test]
    fn paths_that_have_no_other_form() {
        for path in ["", ".", "a.", ".a", "a_b", "a b", "1a", "a*", "ä"] {
            assert_eq!(snake(path), None, "{path}");
        }
        for path in [
            "",
            "fooBar",
            "foo_3_bar",
            "foo__bar",
            "foo_",
            "a..b",
            "a b",
            "*",
        ] {
            assert_eq!(camel(path.as_bytes()), None, "{path}");
        }
        assert_eq!(camel(b"a\xff"), None);
    }
}
