//! The files of `google/protobuf`, which need not be loaded.

const FILES: [(&str, &str); 15] = [
    ("any", include_str!("../google/any.proto")),
    ("api", include_str!("../google/api.proto")),
    ("compiler/plugin", include_str!("../google/plugin.proto")),
    ("cpp_features", include_str!("../google/cpp_features.proto")),
    ("descriptor", include_str!("../google/descriptor.proto")),
    ("duration", include_str!("../google/duration.proto")),
    ("empty", include_str!("../google/empty.proto")),
    ("field_mask", include_str!("../google/field_mask.proto")),
    ("go_features", include_str!("../google/go_features.proto")),
    (
        "java_features",
        include_str!("../google/java_features.proto"),
    ),
    (
        "source_context",
        include_str!("../google/source_context.proto"),
    ),
    ("struct", include_str!("../google/struct.proto")),
    ("timestamp", include_str!("../google/timestamp.proto")),
    ("type", include_str!("../google/type.proto")),
    ("wrappers", include_str!("../google/wrappers.proto")),
];

pub fn text(name: &str) -> Option<&'static [u8]> {
    let name = name.strip_prefix("google/protobuf/")?;
    let name = name.strip_suffix(".proto")?;
    let (_, text) = FILES.iter().find(|(file, _)| *file == name)?;
    Some(text.as_bytes())
}
