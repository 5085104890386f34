//! Asks a server's reflection for services: grpc.reflection.v1, or v1alpha where the server has only that.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::{Code, Request, Status};

use crate::channel::grpc;
use crate::codec::Raw;
use crate::connection::Connection;
use crate::descriptor::File;
use crate::proto;
use crate::question::Question;
use crate::schema;

const V1: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const V1ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

/// The most files of one service: a malicious server could invent imports without end.
const MAX_FILES: usize = 10_000;

/// The file that answers the question, with all its imports.
pub async fn files(
    connection: &Arc<Connection>,
    question: Question,
    wait: bool,
) -> Result<Vec<File>, Status> {
    let mut queue = VecDeque::new();
    answered(&mut queue, ask(connection, question, wait).await?)?;
    let (mut files, mut have, mut lacking) = (Vec::new(), HashSet::new(), None);
    while let Some(file) = queue.pop_front() {
        if !have.insert(file.name.clone()) {
            continue;
        }
        if files.len() + queue.len() > MAX_FILES {
            return Err(Status::internal(format!(
                "the server's reflection cannot be used: there are more than {MAX_FILES} files"
            )));
        }
        for import in &file.dependency {
            let is_there = |queue: &VecDeque<File>| queue.iter().any(|file| file.name == *import);
            if have.contains(import) || is_there(&queue) || proto::is_built_in(import) {
                continue;
            }
            let question = Question::FileByFilename(import.clone());
            match ask(connection, question, wait).await {
                Ok(more) => answered(&mut queue, more)?,
                Err(status) if is_of_connection(&status) => return Err(status),
                Err(status) => {
                    lacking.get_or_insert_with(|| format!(" ({})", status.message()));
                }
            }
            if !is_there(&queue) {
                // The types decide later whether this import is needed.
                have.insert(import.clone());
                lacking.get_or_insert_default();
            }
        }
        files.push(file);
    }
    schema::reflected(files).map_err(|error| {
        let why = lacking.unwrap_or_default();
        Status::internal(format!(
            "the server's reflection cannot be used: {error}{why}"
        ))
    })
}

fn answered(queue: &mut VecDeque<File>, answers: Answers) -> Result<(), Status> {
    for bytes in answers.files {
        let file = File::decode(&bytes[..])
            .map_err(|_| Status::internal("the server's reflection sent an invalid descriptor"))?;
        queue.push_back(file);
    }
    Ok(())
}

fn is_of_connection(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded
    )
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
        .map_err(|_| Status::internal("the server's reflection sent an invalid answer"))?;
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

// The parts of grpc/reflection/v1/reflection.proto that are used here. On the wire v1alpha is the same.

#[derive(Clone, PartialEq, Message)]
struct ServerReflectionRequest {
    #[prost(string, tag = "1")]
    host: String,
    #[prost(oneof = "Question", tags = "3, 4, 5, 7")]
    question: Option<Question>,
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
