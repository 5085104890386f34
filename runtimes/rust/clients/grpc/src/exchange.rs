//! One HTTP/2 stream: a request with its body, and the response. Dropping what is left of it resets the stream, so that
//! the server sees a cancellation, and never an end that nobody meant.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt;
use tokio::task::AbortHandle;
use tonic::Status;
use tonic::body::Body;

use crate::connection::Loss;
use crate::dial::Sender;
use crate::status;

/// A connection's name and end, for messages.
#[derive(Clone)]
pub struct Peer {
    pub name: String,
    pub lost: Arc<Loss>,
}

impl Peer {
    fn failed(&self, error: &h2::Error) -> Status {
        status::of_http2(error, &self.name, self.lost.why())
    }
}

/// Sends a request; `sender` is ready.
pub async fn exchange(
    mut sender: Sender,
    request: Request<Body>,
    peer: Peer,
) -> Result<Response<Body>, Status> {
    let (head, body) = request.into_parts();
    let sent = sender.send_request(Request::from_parts(head, ()), false);
    let (response, stream) = sent.map_err(|error| peer.failed(&error))?;
    let mut upload = Box::pin(upload(body, stream));
    // Nearly every request of a plain call is sent at once.
    let sent = poll_fn(|cx| Poll::Ready(upload.as_mut().poll(cx).is_ready())).await;
    let upload = (!sent).then(|| Upload(tokio::spawn(upload).abort_handle()));
    let response = response.await.map_err(|error| peer.failed(&error))?;
    Ok(response.map(|stream| {
        Body::new(Download {
            stream,
            data_ended: false,
            peer,
            _upload: upload,
        })
    }))
}

async fn upload(mut body: Body, mut stream: SendStream<Bytes>) {
    let mut first = true;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            stream.send_reset(Reason::CANCEL);
            return;
        };
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        while !data.is_empty() {
            // The first message waits in h2, so that a plain call needs no task; each later one until it may go.
            let mut len = data.len();
            if !std::mem::take(&mut first) {
                stream.reserve_capacity(len);
                // Without capacity the stream has ended; the response tells how.
                let Some(Ok(capacity)) = poll_fn(|cx| stream.poll_capacity(cx)).await else {
                    return;
                };
                len = len.min(capacity);
            }
            if stream.send_data(data.split_to(len), false).is_err() {
                return;
            }
        }
    }
    // It fails if the stream has ended already.
    let _ = stream.send_data(Bytes::new(), true);
}

/// A request's body that is still being sent.
struct Upload(AbortHandle);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A response's body.
struct Download {
    stream: RecvStream,
    data_ended: bool,
    peer: Peer,
    _upload: Option<Upload>,
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        while !self.data_ended {
            match ready!(self.stream.poll_data(cx)) {
                Some(Ok(data)) => {
                    let released = self.stream.flow_control().release_capacity(data.len());
                    return Poll::Ready(Some(match released {
                        Ok(()) => Ok(Frame::data(data)),
                        Err(error) => Err(self.peer.failed(&error)),
                    }));
                }
                Some(Err(error)) => return Poll::Ready(self.ended(&error)),
                None => self.data_ended = true,
            }
        }
        match ready!(self.stream.poll_trailers(cx)) {
            Ok(trailers) => Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers)))),
            Err(error) => Poll::Ready(self.ended(&error)),
        }
    }
}

impl Download {
    fn ended(&self, error: &h2::Error) -> Option<Result<Frame<Bytes>, Status>> {
        // How a server says that it wants no more of the request, after its whole answer.
        let stopped = error.is_reset() && error.reason() == Some(Reason::NO_ERROR);
        (!stopped).then(|| Err(self.peer.failed(error)))
    }
}
