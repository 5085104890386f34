//! The messages of google.protobuf with a form of their own in JSON, and so in Lua.

mod any;
mod decode;
mod encode;
mod mask;
mod time;

pub use any::type_of;
pub use decode::{decode, decode_any};
pub use encode::encode;
