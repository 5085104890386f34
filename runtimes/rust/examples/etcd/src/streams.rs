//! RPCs that are streams in both directions without an end.

use std::time::Duration;

use resty_ffi::Error;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt, once};
use tonic::Code;

/// The pause between two attempts to reopen a stream.
pub const PAUSE: Duration = Duration::from_millis(500);

/// The requests of such an RPC: the first one, and those that are sent later. It stays open until the sender is
/// dropped.
pub fn begin<T>(first: T) -> (mpsc::Sender<T>, impl Stream<Item = T> + use<T>) {
    let (sender, later) = mpsc::channel(1);
    (sender, once(first).chain(ReceiverStream::new(later)))
}

pub fn lost() -> Error {
    Error::new(Code::Unavailable as i32, "etcd has closed the stream")
}
