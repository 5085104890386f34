//! A message of protobuf to a Lua table, in MessagePack.
//!
//! Fields have the names of the file; those without presence are there with their defaults, lists and maps too.

use crate::decoder::Decoder;
use crate::special;
use crate::types::{NO_SET, Types};
use crate::wire::Malformed;

pub fn decode(types: &Types, message: usize, bytes: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut out = Vec::with_capacity(2 * bytes.len() + 64);
    Decoder::new(types, &mut out, special::decode).message(message, bytes)?;
    Ok(out)
}

/// An `Any` that no message holds, at the end of `out`.
pub fn append_any(types: &Types, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut decoder = Decoder::new(types, out, special::decode);
    special::decode_any(&mut decoder, NO_SET, bytes)
}

#[cfg(test)]
mod tests;
