//! The type of what an `Any` holds.

use crate::built_in::BUILT_IN;
use crate::types::Types;

/// Keys of an Any.
pub const TYPE: &[u8] = b"@type";
pub const VALUE: &[u8] = b"value";

/// The types among which the URL of an Any names one, and where. `set` is that of the Any.
pub fn type_of<'t>(types: &'t Types, set: usize, url: &str) -> Option<(&'t Types, usize)> {
    let name = url.rsplit('/').next()?;
    let built_in: &'static Types = &BUILT_IN;
    let known = types.message_in(set, name).map(|index| (types, index));
    known.or_else(|| built_in.message(name).map(|index| (built_in, index)))
}
