//! Decodes a protobuf message into a Lua table, in MessagePack.
//!
//! Fields have the names of the file. Fields without presence appear with their defaults, also lists and maps.

use crate::decoder::Decoder;
use crate::special;
use crate::types::{NO_SET, Types};
use crate::wire::Malformed;

pub fn decode(types: &Types, message: usize, bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(2 * bytes.len() + 64);
    Decoder::new(types, &mut out, special::decode).message(message, bytes)?;
    Ok(out)
}

/// Appends an `Any` that is not part of a message.
pub fn append_any(types: &Types, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut decoder = Decoder::new(types, out, special::decode);
    special::decode_any(&mut decoder, NO_SET, bytes)
}

#[cfg(test)]
mod tests;
