//! The caller's messages as the request stream of an RPC.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use resty_ffi::{Error, Requests};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::json;

/// What the service sees when the caller goes away or sends an invalid message.
pub enum Cut {
    /// The end of the messages. For RPCs that handle each message on its own.
    Ends,
    /// Nothing, until the RPC is dropped and reset. For RPCs to which an end means that the messages are complete.
    Resets,
}

pub struct Messages<T> {
    requests: Requests,
    broken: Option<oneshot::Sender<Error>>,
    cut: Cut,
    of: PhantomData<fn() -> T>,
}

impl<T> Messages<T> {
    /// The receiver gets the reason when the messages break off.
    pub fn new(requests: Requests, cut: Cut) -> (Self, oneshot::Receiver<Error>) {
        let (broken, why) = oneshot::channel();
        let messages = Self {
            requests,
            broken: Some(broken),
            cut,
            of: PhantomData,
        };
        (messages, why)
    }
}

impl<T: DeserializeOwned> Stream for Messages<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let next = ready!(self.requests.poll_recv(cx)).and_then(|message| {
            let message = message.as_deref().map(json::decode);
            message.transpose()
        });
        match next {
            Ok(message) => Poll::Ready(message),
            Err(error) => {
                if let Some(broken) = self.broken.take() {
                    // The receiver may be gone.
                    let _ = broken.send(error);
                }
                match self.cut {
                    Cut::Ends => Poll::Ready(None),
                    Cut::Resets => Poll::Pending,
                }
            }
        }
    }
}
