//! Metadata as a Lua table: `{ name = "value" }`, or a list of values. The values of names that end in `-bin` are bytes.

use resty_ffi::Error;
use tonic::metadata::{
    AsciiMetadataValue, BinaryMetadataKey, BinaryMetadataValue, KeyRef, MetadataKey, MetadataMap,
};

use crate::encode::refuse;
use crate::msgpack::{self, Reader, Value};

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

/// The table of what a server sent. A name that came several times has a list.
pub fn put(out: &mut Vec<u8>, metadata: &MetadataMap) {
    let own = |name: &str| {
        [
            "content-type",
            "grpc-status",
            "grpc-message",
            "grpc-status-details-bin",
        ]
        .contains(&name)
    };
    let keys: Vec<KeyRef<'_>> = metadata.keys().filter(|key| !own(name_of(key))).collect();
    msgpack::put_map(out, keys.len());
    for key in keys {
        msgpack::put_text(out, name_of(&key).as_bytes());
        match key {
            KeyRef::Ascii(key) => {
                put_values(
                    out,
                    metadata
                        .get_all(key)
                        .iter()
                        .map(|value| value.as_bytes().to_vec())
                        .collect(),
                );
            }
            KeyRef::Binary(key) => {
                let values = metadata.get_all_bin(key).iter();
                put_values(
                    out,
                    values
                        .map(|value| value.to_bytes().unwrap_or_default().to_vec())
                        .collect(),
                );
            }
        }
    }
}

fn name_of<'a>(key: &KeyRef<'a>) -> &'a str {
    match key {
        KeyRef::Ascii(key) => key.as_str(),
        KeyRef::Binary(key) => key.as_str(),
    }
}

fn put_values(out: &mut Vec<u8>, values: Vec<Vec<u8>>) {
    if values.len() != 1 {
        msgpack::put_list(out, values.len());
    }
    for value in values {
        msgpack::put_text(out, &value);
    }
}
