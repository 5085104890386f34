//! One HTTP/2 stream: a request with its body, and the response. Dropping what is left of it resets the stream, so that
//! the server sees a cancellation, and never an end that nobody meant.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::task::AbortHandle;
use tonic::Status;
use tonic::body::Body;

use crate::answer::{Peer, answer};
use crate::dial::Sender;

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
    answer(response, peer, upload)
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
pub struct Upload(AbortHandle);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}
