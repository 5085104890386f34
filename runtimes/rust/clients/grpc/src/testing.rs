//! Helpers of the tests of encode and decode.

use crate::link::link;
use crate::msgpack::{Reader, Value};
use crate::proto;
use crate::types::Types;

/// The types of a .proto file.
pub fn types_of(text: &str) -> Types {
    let text = text.as_bytes();
    let files = proto::compile("test.proto", |name| (name == "test.proto").then_some(text));
    link(&[&files.unwrap()])
}

/// A value in MessagePack as text, such as `{a=1,b={"x",null}}`.
pub fn show(bytes: &[u8]) -> String {
    let mut rest = bytes;
    let text = show_next(&mut rest);
    assert!(rest.is_empty(), "something follows {text}");
    text
}

fn show_next(rest: &mut &[u8]) -> String {
    if let [0xd4, 0, 0, after @ ..] = rest {
        *rest = after;
        return "null".to_owned();
    }
    let mut reader = Reader::new(rest);
    let value = reader.next().unwrap();
    *rest = reader.rest();
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Uint(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Text(text) => format!("{:?}", String::from_utf8_lossy(text)),
        Value::List(n) => {
            let items: Vec<String> = (0..n).map(|_| show_next(rest)).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(n) => {
            let mut entry = || format!("{}={}", show_next(rest).trim_matches('"'), show_next(rest));
            let entries: Vec<String> = (0..n).map(|_| entry()).collect();
            format!("{{{}}}", entries.join(","))
        }
    }
}

/// Pseudo-random numbers, the same in each run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// The bytes with some of them changed, removed or added.
    pub fn broken(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut broken = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(broken.len().max(1)).min(broken.len());
            match self.below(4) {
                0 => broken.truncate(at),
                1 => broken.insert(at, self.below(256) as u8),
                _ if at < broken.len() => broken[at] = self.below(256) as u8,
                _ => {}
            }
        }
        broken
    }
}
