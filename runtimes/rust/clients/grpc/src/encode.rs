//! A Lua table, in MessagePack, to a message of protobuf.
//!
//! Names and forms are those of protobuf's JSON mapping, except that `bytes` are bytes.

use resty_ffi::Error;

use crate::encoder::Encoder;
use crate::msgpack::Reader;
use crate::special;
use crate::types::Types;

/// The message, whose table is all that `table` holds.
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
