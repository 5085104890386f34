//! Services that no loaded file has, asked of the server: grpc.reflection.v1, or v1alpha where that is all there is.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message;
use prost_types::{FileDescriptorProto, FileDescriptorSet};
use tonic::{Code, Request, Status};

use crate::channel::grpc;
use crate::codec::Raw;
use crate::connection::Connection;
use crate::schema;
use crate::types::Types;

const V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const V1ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

/// What the server of a connection has said so far, by service.
#[derive(Debug, Default)]
pub struct Reflected {
    known: Mutex<HashMap<String, Arc<Types>>>,
    /// Held by who asks: the others wait for the same answer.
    asking: tokio::sync::Mutex<()>,
}

impl Reflected {
    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<Types>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn forget_all(&self) {
        self.known().clear();
    }

    pub fn forget(&self, service: &str) {
        self.known().remove(service);
    }
}

/// The types of a service and of what its methods take and give.
pub async fn service(
    connection: &Arc<Connection>,
    name: &str,
    wait: bool,
) -> Result<Arc<Types>, Status> {
    let reflected = &connection.reflected;
    if let Some(types) = reflected.known().get(name).cloned() {
        return Ok(types);
    }
    let _asking = reflected.asking.lock().await;
    if let Some(types) = reflected.known().get(name).cloned() {
        return Ok(types);
    }
    let first = ask(
        connection,
        Question::FileContainingSymbol(name.to_owned()),
        wait,
    )
    .await?;
    let mut files = Vec::new();
    let (mut have, mut queue) = (HashSet::new(), VecDeque::from(first.files));
    while let Some(bytes) = queue.pop_front() {
        let file = FileDescriptorProto::decode(&bytes[..])
            .map_err(|_| Status::internal("the server's reflection sent what is no descriptor"))?;
        if !have.insert(file.name().to_owned()) {
            continue;
        }
        for import in &file.dependency {
            if !have.contains(import)
                && !is_coming(&queue, import)
                && !import.starts_with("google/protobuf/")
            {
                let more = ask(connection, Question::FileByFilename(import.clone()), wait).await;
                let more = more.map_err(|status| lacking(&status, import, file.name()))?;
                queue.extend(more.files);
                if !is_coming(&queue, import) {
                    let empty = Status::not_found("its answer does not have it");
                    return Err(lacking(&empty, import, file.name()));
                }
            }
        }
        files.push(file);
    }
    let types = schema::of_descriptors(FileDescriptorSet { file: files }).map_err(|error| {
        Status::internal(format!("the server's reflection cannot be used: {error}"))
    })?;
    let types = Arc::new(types);
    reflected.known().insert(name.to_owned(), types.clone());
    Ok(types)
}

/// Why an import is not there. What is wrong with the connection stays what it is.
fn lacking(status: &Status, import: &str, file: &str) -> Status {
    match status.code() {
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded => status.clone(),
        _ => Status::internal(format!(
            "the server's reflection cannot be used: it lacks \"{import}\", which \"{file}\" imports ({})",
            status.message()
        )),
    }
}

fn is_coming(queue: &VecDeque<Vec<u8>>, name: &str) -> bool {
    queue
        .iter()
        .any(|bytes| FileDescriptorProto::decode(&bytes[..]).is_ok_and(|file| file.name() == name))
}

/// The names of the server's services.
pub async fn services(connection: &Arc<Connection>, wait: bool) -> Result<Vec<String>, Status> {
    let answer = ask(connection, Question::ListServices("*".to_owned()), wait).await?;
    let mut names = answer.services;
    names.sort_unstable();
    Ok(names)
}

#[derive(Default)]
struct Answers {
    files: Vec<Vec<u8>>,
    services: Vec<String>,
}

async fn ask(
    connection: &Arc<Connection>,
    question: Question,
    wait: bool,
) -> Result<Answers, Status> {
    match ask_at(connection, V1, &question, wait).await {
        Err(status) if status.code() == Code::Unimplemented => {
            ask_at(connection, V1ALPHA, &question, wait).await
        }
        answered => answered,
    }
}

async fn ask_at(
    connection: &Arc<Connection>,
    path: &'static str,
    question: &Question,
    wait: bool,
) -> Result<Answers, Status> {
    let request = ServerReflectionRequest {
        host: String::new(),
        question: Some(question.clone()),
    };
    let mut request = Request::new(tokio_stream::once(Bytes::from(request.encode_to_vec())));
    *request.metadata_mut() = connection.settings.metadata.clone();
    let path = PathAndQuery::from_static(path);
    let mut responses = grpc(connection, wait)
        .streaming(request, path, Raw)
        .await?
        .into_inner();
    let bytes = responses.message().await?;
    let bytes = bytes.ok_or_else(|| Status::internal("the server's reflection gave no answer"))?;
    let response = ServerReflectionResponse::decode(bytes)
        .map_err(|_| Status::internal("the server's reflection sent what is no answer"))?;
    match response.answer {
        Some(Answer::Files(files)) => Ok(Answers {
            files: files.file_descriptor_proto,
            ..Answers::default()
        }),
        Some(Answer::Services(list)) => Ok(Answers {
            services: list
                .service
                .into_iter()
                .map(|service| service.name)
                .collect(),
            ..Answers::default()
        }),
        Some(Answer::Error(error)) => Err(Status::new(
            Code::from(error.error_code),
            error.error_message,
        )),
        None => Err(Status::internal(
            "the server's reflection sent an answer of an unknown kind",
        )),
    }
}

// Of grpc/reflection/v1/reflection.proto, which v1alpha is the same as on the wire, what is used here.

#[derive(Clone, PartialEq, Message)]
struct ServerReflectionRequest {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Question", tags = "3, 4, 7")]
    question: Option<Question>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Question {
    #[prost(string, tag = "3")]
    FileByFilename(String),
    #[prost(string, tag = "4")]
    FileContainingSymbol(String),
    #[prost(string, tag = "7")]
    ListServices(String),
}

#[derive(Clone, PartialEq, Message)]
struct ServerReflectionResponse {
    #[prost(oneof = "Answer", tags = "4, 6, 7")]
    answer: Option<Answer>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Answer {
    #[prost(message, tag = "4")]
    Files(Files),
    #[prost(message, tag = "6")]
    Services(Services),
    #[prost(message, tag = "7")]
    Error(Refusal),
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file_descriptor_proto: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Services {
    #[prost(message, repeated, tag = "1")]
    service: Vec<Service>,
}

#[derive(Clone, PartialEq, Message)]
struct Service {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Refusal {
    #[prost(int32, tag = "1")]
    error_code: i32,
    #[prost(string, tag = "2")]
    error_message: String,
}
