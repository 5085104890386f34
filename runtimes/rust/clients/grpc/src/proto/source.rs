use super::parser::Places;
use crate::descriptor::File;

/// A file, and where its parts are in its text if it is known.
pub struct Source {
    pub file: File,
    pub places: Places,
}
