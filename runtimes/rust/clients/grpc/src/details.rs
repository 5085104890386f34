//! The details of an error: the `google.rpc.Status` in `grpc-status-details-bin` holds them; Lua gets tables in the
//! form of `Any`.

use crate::decode::append_any;
use crate::msgpack;
use crate::types::Types;
use crate::wire::{self, Malformed, Raw};

/// Writes a list of the details, or the bytes themselves if they are not a `google.rpc.Status`.
pub fn put(out: &mut Vec<u8>, types: &Types, status: &[u8]) {
    match details(status) {
        Ok(details) => {
            msgpack::put_list(out, details.len());
            for detail in details {
                put_detail(out, types, detail);
            }
        }
        Err(Malformed) => msgpack::put_text(out, status),
    }
}

fn details(mut status: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut details = Vec::new();
    while !status.is_empty() {
        match wire::field(&mut status)? {
            (1, Raw::Varint(_)) | (2, Raw::Bytes(_)) => {}
            (3, Raw::Bytes(detail)) => details.push(detail),
            (1..=3, _) => return Err(Malformed),
            _ => {}
        }
    }
    Ok(details)
}

/// Writes one detail. A detail of an unknown type, or that does not fit its type, is written as bytes; the others are
/// not affected.
fn put_detail(out: &mut Vec<u8>, types: &Types, detail: &[u8]) {
    let start = out.len();
    if append_any(types, detail, out).is_ok() {
        return;
    }
    out.truncate(start);
    let (mut url, mut value) = (&[][..], &[][..]);
    let mut rest = detail;
    while let Ok((number, Raw::Bytes(bytes))) = wire::field(&mut rest) {
        match number {
            1 => url = bytes,
            2 => value = bytes,
            _ => {}
        }
    }
    msgpack::put_map(out, 2);
    msgpack::put_text(out, b"@type");
    msgpack::put_text(out, url);
    msgpack::put_text(out, b"value");
    msgpack::put_text(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in::BUILT_IN;
    use crate::msgpack::{Reader, Value};

    fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        wire::put_bytes(&mut out, number, bytes);
        out
    }

    fn any(name: &str, value: &[u8]) -> Vec<u8> {
        let url = format!("type.googleapis.com/{name}");
        field(3, &[field(1, url.as_bytes()), field(2, value)].concat())
    }

    /// The result, as text.
    fn shown(status: &[u8]) -> String {
        let mut out = Vec::new();
        put(&mut out, &Types::default(), status);
        let mut reader = Reader::new(&out);
        let text = text(&mut reader);
        assert!(reader.next().is_err());
        text
    }

    fn text(reader: &mut Reader<'_>) -> String {
        match reader.next().unwrap() {
            Value::Text(text) => text.escape_ascii().to_string(),
            Value::Int(n) => n.to_string(),
            Value::List(n) => {
                let items: Vec<String> = (0..n).map(|_| text(reader)).collect();
                format!("[{}]", items.join(" "))
            }
            Value::Map(n) => {
                let entries = (0..n).map(|_| format!("{}={}", text(reader), text(reader)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
            }
            other => other.name().to_owned(),
        }
    }

    #[test]
    fn details_are_tables() {
        let head = [vec![8, 5], field(2, b"none")].concat();
        assert_eq!(shown(&head), "[]");
        assert_eq!(shown(&[]), "[]");
        let retry = any("google.rpc.RetryInfo", &field(1, &[8, 2]));
        let link = field(1, &[field(1, b"read"), field(2, b"http://a")].concat());
        assert_eq!(
            shown(&[head, retry, any("google.rpc.Help", &link)].concat()),
            "[{@type=type.googleapis.com/google.rpc.RetryInfo retry_delay=2s} \
             {@type=type.googleapis.com/google.rpc.Help links=[{description=read url=http://a}]}]"
        );
    }

    #[test]
    fn what_cannot_be_read_is_bytes_and_takes_nothing_else_with_it() {
        let status = [
            any("a.Unknown", b"\xff\x00"),
            any("google.rpc.RetryInfo", b"\x0a\x09"),
            any("google.rpc.LocalizedMessage", &field(1, b"en")),
        ];
        assert_eq!(
            shown(&status.concat()),
            "[{@type=type.googleapis.com/a.Unknown value=\\xff\\x00} \
             {@type=type.googleapis.com/google.rpc.RetryInfo value=\\n\\t} \
             {@type=type.googleapis.com/google.rpc.LocalizedMessage locale=en message=}]"
        );
        assert_eq!(shown(b"\xffno status"), "\\xffno status");
        assert_eq!(shown(&field(1, b"a")), "\\n\\x01a");
    }

    #[test]
    fn the_messages_of_google_rpc_are_known() {
        for name in [
            "BadRequest",
            "DebugInfo",
            "ErrorInfo",
            "Help",
            "LocalizedMessage",
            "PreconditionFailure",
            "QuotaFailure",
            "RequestInfo",
            "ResourceInfo",
            "RetryInfo",
            "Status",
        ] {
            assert!(
                BUILT_IN.message(&format!("google.rpc.{name}")).is_some(),
                "{name}"
            );
        }
    }
}
