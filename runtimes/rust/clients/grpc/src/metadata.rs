//! Metadata as a Lua table: `{ name = "value" }`, or a list of values. The values of names that end in `-bin` are bytes.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use resty_ffi::Error;
use tonic::metadata::{
    AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue, MetadataKey, MetadataMap,
};

use crate::encode::refuse;
use crate::msgpack::{self, Reader, Value};
use crate::trailers::{DETAILS, MESSAGE, STATUS, base64};

/// Adds what the next value holds.
pub fn read(reader: &mut Reader<'_>, into: &mut MetadataMap) -> Result<(), Error> {
    for _ in 0..reader.map()? {
        let name = reader.string()?.to_ascii_lowercase();
        if name.starts_with("grpc-")
            || ["te", "content-type", "user-agent"].contains(&name.as_str())
        {
            return Err(refuse(format!(
                "metadata \"{name}\" is gRPC's own and cannot be set"
            )));
        }
        match reader.next()? {
            Value::List(n) => (0..n).try_for_each(|_| add(into, &name, reader.next()?))?,
            value => add(into, &name, value)?,
        }
    }
    Ok(())
}

fn add(into: &mut MetadataMap, name: &str, value: Value<'_>) -> Result<(), Error> {
    let bad_name = || {
        refuse(format!(
            "\"{name}\" is no name of metadata: these have lower-case letters, digits, \"_\", \"-\" and \".\""
        ))
    };
    let digits;
    let bytes = match value {
        Value::Text(text) => text,
        Value::Int(n) => {
            digits = n.to_string();
            digits.as_bytes()
        }
        other => {
            return Err(refuse(format!(
                "metadata \"{name}\" must be a string, not {}",
                other.name()
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

/// Why what a server sent cannot be read, if so.
pub fn check(headers: &HeaderMap) -> Result<(), String> {
    let binary = headers.iter().filter(|(name, _)| is_binary(name));
    for (name, value) in binary {
        if decoded(value.as_bytes()).is_none() {
            return Err(format!("the server's metadata \"{name}\" is no base64"));
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

/// The table of what a server sent. A name that came several times has a list.
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
