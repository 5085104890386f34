//! The messages of google.protobuf that have a form of their own in JSON, and so in Lua.

mod decode;
mod encode;
mod mask;
mod time;

use std::sync::{Arc, LazyLock};

use crate::schema;
use crate::types::Types;

pub use decode::{decode, decode_any};
pub use encode::encode;

/// What every connection knows: these messages, the health service, and the details of errors.
pub static BUILT_IN: LazyLock<Arc<Types>> = LazyLock::new(|| Arc::new(schema::built_in()));

/// Keys of an Any.
const TYPE: &[u8] = b"@type";
const VALUE: &[u8] = b"value";

/// The types among which the URL of an Any names one, and where. `set` is that of the Any.
pub fn type_of<'t>(types: &'t Types, set: usize, url: &str) -> Option<(&'t Types, usize)> {
    let name = url.rsplit('/').next()?;
    let built_in: &'static Types = &BUILT_IN;
    let known = types.message_in(set, name).map(|index| (types, index));
    known.or_else(|| built_in.message(name).map(|index| (built_in, index)))
}
