//! Encodes a Lua table, in MessagePack, as a protobuf message.
//!
//! Names and forms follow protobuf's JSON mapping, except that `bytes` are raw bytes.

use resty_ffi::Error;

use crate::encoder::Encoder;
use crate::msgpack::Reader;
use crate::special;
use crate::types::Types;

/// Encodes the table that `table` holds.
pub fn encode(types: &Types, message: usize, table: &[u8]) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(table.len());
    let mut encoder = Encoder {
        types,
        reader: Reader::new(table),
        out: &mut out,
        depth: 0,
        form: special::encode,
    };
    encoder.message(message)?;
    Ok(out)
}

#[cfg(test)]
mod tests;
