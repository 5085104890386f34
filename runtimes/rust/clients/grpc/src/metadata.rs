//! Metadata as a Lua table: `{ name = "value" }`, or a list of values. The values of names that end in `-bin` are bytes.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use resty_ffi::Error;
use tonic::metadata::{
    AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue, MetadataKey, MetadataMap,
};

use crate::msgpack::{self, Reader, Value};
use crate::refusal::refuse;
use crate::trailers::{DETAILS, MESSAGE, STATUS, base64};

/// The most values of a request. Servers accept far fewer, and a `HeaderMap` panics at a limit of its own.
const MAX_VALUES: usize = 10_000;

/// Names that the caller cannot set.
const GRPC: [&str; 3] = ["te", "content-type", "user-agent"];
const HTTP: [&str; 7] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// Adds the metadata of the next value.
pub fn read(reader: &mut Reader<'_>, into: &mut MetadataMap) -> Result<(), Error> {
    for _ in 0..reader.map()? {
        let name = reader.string()?.to_ascii_lowercase();
        let owner = if name.starts_with("grpc-") || GRPC.contains(&name.as_str()) {
            Some("gRPC")
        } else if HTTP.contains(&name.as_str()) {
            Some("HTTP")
        } else {
            None
        };
        if let Some(owner) = owner {
            return Err(refuse(format!(
                "metadata \"{name}\" is {owner}'s own and cannot be set"
            )));
        }
        match reader.next()? {
            Value::List(n) => (0..n).try_for_each(|_| add(into, &name, reader.next()?))?,
            // Lua has one empty table.
            Value::Map(0) => {}
            value => add(into, &name, value)?,
        }
    }
    Ok(())
}

fn add(into: &mut MetadataMap, name: &str, value: Value<'_>) -> Result<(), Error> {
    let bad_name = || {
        refuse(format!(
            "\"{name}\" is not a valid metadata name: names have lower-case letters, digits, \"_\", \"-\" and \".\""
        ))
    };
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
    if !name.bytes().all(allowed) {
        return Err(bad_name());
    }
    if into.len() >= MAX_VALUES {
        return Err(refuse(format!(
            "metadata \"{name}\" is one value too many: a call has at most {MAX_VALUES}"
        )));
    }
    let digits;
    let bytes = match value {
        Value::Text(text) => text,
        Value::Int(n) => {
            digits = n.to_string();
            digits.as_bytes()
        }
        Value::Uint(n) => {
            digits = n.to_string();
            digits.as_bytes()
        }
        other => {
            return Err(refuse(format!(
                "metadata \"{name}\" must be a string or a whole number, not {}",
                match other {
                    Value::Float(n) => format!("the number {n}"),
                    _ => other.name().to_owned(),
                }
            )));
        }
    };
    if name.ends_with("-bin") {
        let key: BinaryMetadataKey =
            MetadataKey::from_bytes(name.as_bytes()).map_err(|_| bad_name())?;
        into.append_bin(key, BinaryMetadataValue::from_bytes(bytes));
        return Ok(());
    }
    let key = MetadataKey::from_bytes(name.as_bytes()).map_err(|_| bad_name())?;
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.bytes().all(|byte| (32..127).contains(&byte)));
    let value = text.and_then(|text| AsciiMetadataValue::try_from(text).ok());
    let value = value.ok_or_else(|| {
        refuse(format!("metadata \"{name}\" must be printable ASCII: a name that ends in \"-bin\" takes any bytes"))
    })?;
    into.append(key, value);
    Ok(())
}

/// Checks that a server's metadata can be decoded.
pub fn check(headers: &HeaderMap) -> Result<(), String> {
    let binary = headers.iter().filter(|(name, _)| is_binary(name));
    for (name, value) in binary {
        if decoded(value.as_bytes()).is_none() {
            return Err(format!("the server's metadata \"{name}\" is not base64"));
        }
    }
    Ok(())
}

fn is_binary(name: &HeaderName) -> bool {
    name.as_str().ends_with("-bin") && name != DETAILS
}

/// Several values may be joined by commas.
fn decoded(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    let values = value.split(|byte| *byte == b',');
    values.map(|value| base64(value.trim_ascii())).collect()
}

/// Writes a server's metadata as a table. A repeated name has a list of values.
pub fn put(out: &mut Vec<u8>, metadata: &MetadataMap) {
    let headers: &HeaderMap = metadata.as_ref();
    let own = |name: &str| [CONTENT_TYPE.as_str(), STATUS, MESSAGE, DETAILS].contains(&name);
    let names: Vec<&HeaderName> = headers.keys().filter(|name| !own(name.as_str())).collect();
    msgpack::put_map(out, names.len());
    for name in names {
        msgpack::put_text(out, name.as_str().as_bytes());
        let values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
        if is_binary(name) {
            let values: Vec<_> = values.filter_map(decoded).flatten().collect();
            put_values(out, &values);
        } else {
            put_values(out, &values.collect::<Vec<_>>());
        }
    }
}

fn put_values(out: &mut Vec<u8>, values: &[impl AsRef<[u8]>]) {
    if values.len() != 1 {
        msgpack::put_list(out, values.len());
    }
    for value in values {
        msgpack::put_text(out, value.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table for these headers.
    fn shown(headers: &[(&'static str, &'static str)]) -> Vec<u8> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let mut out = Vec::new();
        put(&mut out, &MetadataMap::from_headers(map));
        out
    }

    fn table(name: &str, values: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        msgpack::put_map(&mut out, 1);
        msgpack::put_text(&mut out, name.as_bytes());
        put_values(&mut out, values);
        out
    }

    #[test]
    fn binary_values_come_alone_or_joined_with_padding_or_without() {
        for headers in [
            &[("x-bin", "AP8="), ("x-bin", "YQ")][..],
            &[("x-bin", "AP8=,YQ==")],
            &[("x-bin", "AP8, YQ")],
        ] {
            assert_eq!(shown(headers), table("x-bin", &[b"\x00\xff", b"a"]));
        }
        assert_eq!(shown(&[("x-bin", "AP8")]), table("x-bin", &[b"\x00\xff"]));
        assert_eq!(shown(&[("x-bin", "")]), table("x-bin", &[b""]));
        assert_eq!(
            shown(&[("x-bin", "YQ,,Yg")]),
            table("x-bin", &[b"a", b"", b"b"])
        );
    }

    #[test]
    fn a_call_has_so_many_values_and_no_more() {
        let read_many = |count: usize| {
            let mut table = Vec::new();
            msgpack::put_map(&mut table, count);
            for k in 0..count {
                msgpack::put_text(&mut table, format!("x-{k}").as_bytes());
                msgpack::put_int(&mut table, 1);
            }
            read(&mut Reader::new(&table), &mut MetadataMap::new())
        };
        assert!(read_many(MAX_VALUES).is_ok());
        for count in [MAX_VALUES + 1, 40_000] {
            assert_eq!(
                read_many(count).unwrap_err().message(),
                "metadata \"x-10000\" is one value too many: a call has at most 10000"
            );
        }
    }

    #[test]
    fn other_values_are_as_they_came() {
        assert_eq!(shown(&[("x", "a,b")]), table("x", &[b"a,b"]));
        assert_eq!(shown(&[("x", "a"), ("x", "b")]), table("x", &[b"a", b"b"]));
        assert_eq!(
            shown(&[("content-type", "application/grpc"), ("grpc-status", "0")]),
            [0x80]
        );
    }

    #[test]
    fn binary_values_that_are_none_are_named() {
        let check = |name: &'static str, value: &'static str| {
            check(&HeaderMap::from_iter([(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]))
        };
        assert_eq!(check("x-bin", "AP8=,YQ"), Ok(()));
        assert_eq!(check("x", "*"), Ok(()));
        assert_eq!(check("grpc-status-details-bin", "*"), Ok(()));
        for text in ["*", "YQ,*", "Y", "A P8"] {
            assert_eq!(
                check("x-bin", text),
                Err("the server's metadata \"x-bin\" is not base64".to_owned())
            );
        }
    }
}
