//! The type of the message in an `Any`.

use crate::built_in::BUILT_IN;
use crate::types::Types;

/// Keys of an Any.
pub const TYPE: &[u8] = b"@type";
pub const VALUE: &[u8] = b"value";

/// Finds the type that the URL of an Any names: its types and its index there. `set` is the set of the Any.
pub fn type_of<'t>(types: &'t Types, set: usize, url: &str) -> Option<(&'t Types, usize)> {
    let name = url.rsplit('/').next()?;
    let built_in: &'static Types = &BUILT_IN;
    let known = types.message_in(set, name).map(|index| (types, index));
    known.or_else(|| built_in.message(name).map(|index| (built_in, index)))
}
