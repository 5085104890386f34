//! Checks a server's response before tonic sees it. tonic takes an end without a status for success, oversized trailers
//! for missing ones, and a response that is not gRPC for broken gRPC.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Frame;
use tonic::Status;
use tonic::body::Body;

use crate::connection::Loss;
use crate::framing::{Encoding, Fault, Framing};
use crate::settings::Settings;
use crate::trailers::{self, STATUS};
use crate::upload::Upload;
use crate::{http2, metadata};

const GRPC: &[u8] = b"application/grpc";
const ENCODING: &str = "grpc-encoding";

/// The server that answers: its name and the end of its connection, for messages, and the limits of the client.
#[derive(Clone)]
pub struct Peer {
    pub name: String,
    pub lost: Arc<Loss>,
    pub settings: Arc<Settings>,
}

impl Peer {
    pub fn failed(&self, error: &h2::Error) -> Status {
        http2::of_stream(error, &self.name, self.lost.why())
    }

    fn wrong(&self, text: &str) -> Status {
        Status::internal(format!("{}: {text}", self.name))
    }

    /// Checks the size and the binary values of headers or trailers.
    fn check(&self, headers: &HeaderMap) -> Result<(), Status> {
        let size: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 32)
            .sum();
        let limit = self.settings.max_metadata_size;
        if size > limit {
            return Err(self.wrong(&format!(
                "the server's metadata has {size} bytes, and the limit is {limit} (option max_metadata_size)"
            )));
        }
        metadata::check(headers).map_err(|text| self.wrong(&text))
    }
}

/// The response for tonic, or the status of a call that ends with its headers.
pub fn answer(
    response: Response<RecvStream>,
    peer: Peer,
    upload: Option<Upload>,
) -> Result<Response<Body>, Status> {
    let (mut head, stream) = response.into_parts();
    let ended = stream.is_end_stream();
    let mut trailers = None;
    if head.headers.contains_key(STATUS) {
        let end = trailers::end(head.headers.clone(), &peer.name)?;
        head.headers.remove(STATUS);
        trailers = Some(end).filter(|_| ended);
    }
    let kind = head.headers.get(CONTENT_TYPE);
    if trailers.is_none() && (ended || !is_grpc(kind)) {
        return Err(http2::of_response(head.status, kind, &peer.name));
    }
    peer.check(&head.headers)?;
    let encoding = Encoding::of(head.headers.get(ENCODING));
    if let Encoding::Other(_) = encoding {
        // An unknown encoding is an error only when a message is compressed.
        head.headers.remove(ENCODING);
    }
    let body = Answer {
        framing: Framing::new(encoding, peer.settings.max_message_size),
        status: head.status,
        kind: kind_of(&head.headers),
        state: trailers.map_or(State::Data, State::TrailersOnly),
        stream,
        peer,
        _upload: upload,
    };
    Ok(Response::from_parts(head, Body::new(body)))
}

fn kind_of(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get(CONTENT_TYPE).cloned()
}

/// `application/grpc`, `application/grpc+proto`, `application/grpc; charset=utf-8`.
fn is_grpc(kind: Option<&HeaderValue>) -> bool {
    kind.and_then(|kind| kind.as_bytes().split_at_checked(GRPC.len()))
        .is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(GRPC) && matches!(rest.first(), None | Some(b'+' | b';'))
        })
}

/// A response's body. Dropping it resets the stream if it has not ended.
struct Answer {
    stream: RecvStream,
    framing: Framing,
    status: StatusCode,
    kind: Option<HeaderValue>,
    state: State,
    peer: Peer,
    _upload: Option<Upload>,
}

enum State {
    Data,
    Trailers,
    TrailersOnly(HeaderMap),
    Done,
}

impl Answer {
    fn data(&mut self, data: &Bytes) -> Result<(), Status> {
        let released = self.stream.flow_control().release_capacity(data.len());
        released.map_err(|error| self.peer.failed(&error))?;
        self.framing.take(data).map_err(|fault| self.faulty(fault))
    }

    fn faulty(&self, (code, text): Fault) -> Status {
        if self.status == StatusCode::OK {
            Status::new(code, format!("{}: {text}", self.peer.name))
        } else {
            // A proxy's own page with the content type of gRPC.
            self.no_status()
        }
    }

    fn no_status(&self) -> Status {
        http2::of_response(self.status, self.kind.as_ref(), &self.peer.name)
    }

    /// The trailers, if they end the call as gRPC demands.
    fn end(&self, trailers: Option<HeaderMap>) -> Result<HeaderMap, Status> {
        match trailers {
            Some(trailers) if trailers.contains_key(STATUS) => {
                let trailers = trailers::end(trailers, &self.peer.name)?;
                self.peer.check(&trailers)?;
                self.framing.end().map_err(|fault| self.faulty(fault))?;
                Ok(trailers)
            }
            _ if self.status != StatusCode::OK => Err(self.no_status()),
            Some(trailers) => {
                self.peer.check(&trailers)?;
                let text = "the server's trailers have no grpc-status, or are too large (option max_metadata_size)";
                Err(Status::unknown(format!("{}: {text}", self.peer.name)))
            }
            None => Err(self
                .peer
                .wrong("the answer ends without trailers, and so without a status")),
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        loop {
            match &mut this.state {
                State::Data => match ready!(this.stream.poll_data(cx)) {
                    Some(Ok(data)) => {
                        if let Err(status) = this.data(&data) {
                            this.state = State::Done;
                            return Poll::Ready(Some(Err(status)));
                        } else if !data.is_empty() {
                            return Poll::Ready(Some(Ok(Frame::data(data))));
                        }
                    }
                    // After a complete answer, this reset only says that the server needs no more of the request.
                    Some(Err(error)) if is_stop(&error) => this.state = State::Trailers,
                    Some(Err(error)) => {
                        this.state = State::Done;
                        return Poll::Ready(Some(Err(this.peer.failed(&error))));
                    }
                    None => this.state = State::Trailers,
                },
                State::Trailers => {
                    let trailers = match ready!(this.stream.poll_trailers(cx)) {
                        Ok(trailers) => this.end(trailers),
                        Err(error) if is_stop(&error) => this.end(None),
                        Err(error) => Err(this.peer.failed(&error)),
                    };
                    this.state = State::Done;
                    return Poll::Ready(Some(trailers.map(Frame::trailers)));
                }
                State::TrailersOnly(trailers) => {
                    let trailers = std::mem::take(trailers);
                    this.state = State::Done;
                    return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                }
                State::Done => return Poll::Ready(None),
            }
        }
    }
}

fn is_stop(error: &h2::Error) -> bool {
    error.is_reset() && error.reason() == Some(Reason::NO_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_that_of_grpc() {
        let is = |kind: &'static str| is_grpc(Some(&HeaderValue::from_static(kind)));
        for kind in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;charset=utf-8",
            "Application/GRPC",
        ] {
            assert!(is(kind), "{kind}");
        }
        for kind in ["", "text/html", "application/grpc-web", "application/grp"] {
            assert!(!is(kind), "{kind}");
        }
        assert!(!is_grpc(None));
    }
}
