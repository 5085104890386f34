//! One HTTP/2 stream: a request with its body, and the response. Dropping an unfinished stream resets it, so that the
//! server sees a cancellation, not a regular end.

use std::future::poll_fn;
use std::task::Poll;

use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;

use crate::answer::{Peer, answer};
use crate::dial::Sender;
use crate::upload::{Upload, upload};

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
    // Nearly every request of a plain call is sent at the first poll.
    let sent = poll_fn(|cx| Poll::Ready(upload.as_mut().poll(cx).is_ready())).await;
    let upload = (!sent).then(|| Upload::spawn(upload));
    let response = response.await.map_err(|error| peer.failed(&error))?;
    answer(response, peer, upload)
}
