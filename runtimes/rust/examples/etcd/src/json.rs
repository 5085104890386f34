//! Decodes JSON with errors that name the field.

use resty_ffi::Error;
use serde::de::DeserializeOwned;

use crate::error::bad_input;

/// A request, or the first message of a stream.
pub fn decode<T: DeserializeOwned>(text: Option<&[u8]>) -> Result<T, Error> {
    parse(text.unwrap_or_default()).map_err(bad_input)
}

/// Decodes an object. The error says what is wrong, and where.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, String> {
    // serde would accept an array of the fields in their order.
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err("not a JSON object".to_owned());
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let (path, what) = (e.path().to_string(), e.inner());
        if path == "." {
            what.to_string()
        } else {
            format!("{path}: {what}")
        }
    })?;
    json.end().map_err(|e| e.to_string())?;
    Ok(value)
}
