//! The body of a request on its way to the server.

use std::future::poll_fn;

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body_util::BodyExt;
use tokio::task::AbortHandle;
use tonic::body::Body;

/// Sends a body, and ends the request's direction after it. A body that fails resets the stream.
pub async fn upload(mut body: Body, mut stream: SendStream<Bytes>) {
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
            // The first message is left to h2, so that a plain call needs no task. Each later one waits for capacity.
            let mut len = data.len();
            if !std::mem::take(&mut first) {
                stream.reserve_capacity(len);
                // Without capacity the stream has ended; the response says how.
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
    // This fails if the stream has already ended.
    let _ = stream.send_data(Bytes::new(), true);
}

/// A request's body that is still being sent.
pub struct Upload(AbortHandle);

impl Upload {
    /// Sends the rest of the body in a task, which ends when this is dropped.
    pub fn spawn(rest: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(rest).abort_handle())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}
