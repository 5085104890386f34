//! The questions to a server's reflection, as in grpc/reflection/v1/reflection.proto.

use prost::Message;

#[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
pub enum Question {
    #[prost(string, tag = "3")]
    FileByFilename(String),
    #[prost(string, tag = "4")]
    FileContainingSymbol(String),
    #[prost(message, tag = "5")]
    FileContainingExtension(Extension),
    #[prost(string, tag = "7")]
    ListServices(String),
}

#[derive(Clone, PartialEq, Eq, Hash, Message)]
pub struct Extension {
    #[prost(string, tag = "1")]
    pub containing_type: String,
    #[prost(int32, tag = "2")]
    pub extension_number: i32,
}
