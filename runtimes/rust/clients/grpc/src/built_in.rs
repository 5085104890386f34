//! The types that every client knows without a file.

use std::sync::{Arc, LazyLock};

use crate::link::link;
use crate::proto;
use crate::types::Types;

const HEALTH: &str = include_str!("health.proto");
const ERROR_DETAILS: &str = include_str!("error_details.proto");

/// The messages that have a form of their own, the health service, and the details of errors.
pub static BUILT_IN: LazyLock<Arc<Types>> = LazyLock::new(|| Arc::new(built_in()));

fn built_in() -> Types {
    let own = [
        ("grpc/health/v1/health.proto", HEALTH),
        ("google/rpc/error_details.proto", ERROR_DETAILS),
    ];
    let google = [
        "any",
        "duration",
        "empty",
        "field_mask",
        "struct",
        "timestamp",
        "wrappers",
    ];
    let google = google.map(|name| format!("google/protobuf/{name}.proto"));
    let names = own.iter().map(|(name, _)| *name);
    let names = names.chain(google.iter().map(String::as_str));
    let imports: String = names.map(|name| format!("import \"{name}\";\n")).collect();
    let files = proto::compile("", |name| match name {
        "" => Some(imports.as_bytes()),
        name => {
            let (_, text) = own.iter().find(|(own, _)| *own == name)?;
            Some(text.as_bytes())
        }
    });
    link(&[&files.expect("these files are part of the library")])
}
