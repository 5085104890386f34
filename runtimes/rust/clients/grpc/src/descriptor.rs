//! Descriptors, as protoc and servers' reflection write them: the part of google/protobuf/descriptor.proto that decides
//! how messages are read and written.

use prost::Message as Prost;

#[derive(Clone, PartialEq, Prost)]
pub struct Set {
    #[prost(message, repeated, tag = "1")]
    pub file: Vec<File>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct File {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub package: String,
    #[prost(string, repeated, tag = "3")]
    pub dependency: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    pub message_type: Vec<Message>,
    #[prost(message, repeated, tag = "5")]
    pub enum_type: Vec<Enum>,
    #[prost(message, repeated, tag = "6")]
    pub service: Vec<Service>,
    #[prost(message, repeated, tag = "7")]
    pub extension: Vec<Field>,
    #[prost(message, optional, tag = "8")]
    pub options: Option<FileOptions>,
    #[prost(int32, repeated, packed = "false", tag = "10")]
    pub public_dependency: Vec<i32>,
    #[prost(int32, repeated, packed = "false", tag = "11")]
    pub weak_dependency: Vec<i32>,
    #[prost(string, tag = "12")]
    pub syntax: String,
    #[prost(int32, tag = "14")]
    pub edition: i32,
    #[prost(string, repeated, tag = "15")]
    pub option_dependency: Vec<String>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct Message {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub field: Vec<Field>,
    #[prost(message, repeated, tag = "3")]
    pub nested_type: Vec<Message>,
    #[prost(message, repeated, tag = "4")]
    pub enum_type: Vec<Enum>,
    #[prost(message, repeated, tag = "5")]
    pub extension_range: Vec<Range>,
    #[prost(message, repeated, tag = "6")]
    pub extension: Vec<Field>,
    #[prost(message, optional, tag = "7")]
    pub options: Option<MessageOptions>,
    #[prost(message, repeated, tag = "8")]
    pub oneof_decl: Vec<Oneof>,
    #[prost(message, repeated, tag = "9")]
    pub reserved_range: Vec<Range>,
    #[prost(string, repeated, tag = "10")]
    pub reserved_name: Vec<String>,
    #[prost(int32, tag = "11")]
    pub visibility: i32,
}

/// In a message the end is exclusive, in an enum inclusive.
#[derive(Clone, Copy, PartialEq, Prost)]
pub struct Range {
    #[prost(int32, tag = "1")]
    pub start: i32,
    #[prost(int32, tag = "2")]
    pub end: i32,
}

#[derive(Clone, PartialEq, Prost)]
pub struct Field {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub extendee: String,
    #[prost(int32, tag = "3")]
    pub number: i32,
    #[prost(int32, tag = "4")]
    pub label: i32,
    /// 0 until `type_name` is resolved.
    #[prost(int32, tag = "5")]
    pub r#type: i32,
    #[prost(string, tag = "6")]
    pub type_name: String,
    #[prost(string, optional, tag = "7")]
    pub default_value: Option<String>,
    #[prost(message, optional, tag = "8")]
    pub options: Option<FieldOptions>,
    #[prost(int32, optional, tag = "9")]
    pub oneof_index: Option<i32>,
    #[prost(string, tag = "10")]
    pub json_name: String,
    #[prost(bool, tag = "17")]
    pub proto3_optional: bool,
}

/// Values of a field's `label`.
pub mod label {
    pub const OPTIONAL: i32 = 1;
    pub const REQUIRED: i32 = 2;
    pub const REPEATED: i32 = 3;
}

/// Values of a field's `type`.
pub mod kind {
    pub const DOUBLE: i32 = 1;
    pub const FLOAT: i32 = 2;
    pub const INT64: i32 = 3;
    pub const UINT64: i32 = 4;
    pub const INT32: i32 = 5;
    pub const FIXED64: i32 = 6;
    pub const FIXED32: i32 = 7;
    pub const BOOL: i32 = 8;
    pub const STRING: i32 = 9;
    pub const GROUP: i32 = 10;
    pub const MESSAGE: i32 = 11;
    pub const BYTES: i32 = 12;
    pub const UINT32: i32 = 13;
    pub const ENUM: i32 = 14;
    pub const SFIXED32: i32 = 15;
    pub const SFIXED64: i32 = 16;
    pub const SINT32: i32 = 17;
    pub const SINT64: i32 = 18;
}

#[derive(Clone, PartialEq, Prost)]
pub struct Oneof {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, optional, tag = "2")]
    pub options: Option<OneofOptions>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct Enum {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub value: Vec<EnumValue>,
    #[prost(message, optional, tag = "3")]
    pub options: Option<EnumOptions>,
    #[prost(message, repeated, tag = "4")]
    pub reserved_range: Vec<Range>,
    #[prost(string, repeated, tag = "5")]
    pub reserved_name: Vec<String>,
    #[prost(int32, tag = "6")]
    pub visibility: i32,
}

#[derive(Clone, PartialEq, Prost)]
pub struct EnumValue {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(int32, tag = "2")]
    pub number: i32,
}

#[derive(Clone, PartialEq, Prost)]
pub struct Service {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(message, repeated, tag = "2")]
    pub method: Vec<Method>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct Method {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub input_type: String,
    #[prost(string, tag = "3")]
    pub output_type: String,
    #[prost(bool, tag = "5")]
    pub client_streaming: bool,
    #[prost(bool, tag = "6")]
    pub server_streaming: bool,
}

#[derive(Clone, PartialEq, Prost)]
pub struct FileOptions {
    #[prost(message, optional, tag = "50")]
    pub features: Option<FeatureSet>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct MessageOptions {
    #[prost(bool, tag = "1")]
    pub message_set_wire_format: bool,
    #[prost(bool, tag = "7")]
    pub map_entry: bool,
    #[prost(bool, tag = "11")]
    pub deprecated_legacy_json_field_conflicts: bool,
    #[prost(message, optional, tag = "12")]
    pub features: Option<FeatureSet>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct FieldOptions {
    #[prost(bool, optional, tag = "2")]
    pub packed: Option<bool>,
    #[prost(message, optional, tag = "21")]
    pub features: Option<FeatureSet>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct OneofOptions {
    #[prost(message, optional, tag = "1")]
    pub features: Option<FeatureSet>,
}

#[derive(Clone, PartialEq, Prost)]
pub struct EnumOptions {
    #[prost(bool, tag = "2")]
    pub allow_alias: bool,
    #[prost(bool, tag = "6")]
    pub deprecated_legacy_json_field_conflicts: bool,
    #[prost(message, optional, tag = "7")]
    pub features: Option<FeatureSet>,
}

/// 0 inherits the feature.
#[derive(Clone, Copy, PartialEq, Eq, Prost)]
pub struct FeatureSet {
    #[prost(int32, tag = "1")]
    pub field_presence: i32,
    #[prost(int32, tag = "2")]
    pub enum_type: i32,
    #[prost(int32, tag = "3")]
    pub repeated_field_encoding: i32,
    #[prost(int32, tag = "4")]
    pub utf8_validation: i32,
    #[prost(int32, tag = "5")]
    pub message_encoding: i32,
    #[prost(int32, tag = "6")]
    pub json_format: i32,
}
