//! `watch`: every change of some keys, in order and exactly once, across reconnects.

use std::convert::Infallible;
use std::sync::Arc;

use resty_ffi::{Error, Json, Requests, Sender};
use serde::{Deserialize, Serialize};
use tonic::Code;

use crate::client::Etcd;
use crate::error::{failed, is};
use crate::json;
use crate::keys::{Range, text};
use crate::kv::revision;
use crate::pb::event::EventType;
use crate::pb::watch_client::WatchClient;
use crate::pb::watch_request::RequestUnion;
use crate::pb::{Event, WatchCreateRequest, WatchRequest, WatchResponse};
use crate::streams;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Watch {
    key: String,
    #[serde(default)]
    prefix: bool,
    range_end: Option<String>,
    #[serde(default)]
    revision: i64,
}

#[derive(Serialize)]
struct Change {
    r#type: &'static str,
    key: String,
    value: String,
    mod_revision: i64,
}

struct Watcher {
    etcd: Arc<Etcd>,
    range: Range,
    /// The revision of the next change, 0 until etcd reports it.
    next: i64,
    /// etcd has answered since the watch was last opened.
    established: bool,
}

pub async fn watch(etcd: Arc<Etcd>, mut requests: Requests, sender: Sender) -> Result<(), Error> {
    let message = requests.recv().await?;
    let watch: Watch = json::decode(message.as_deref())?;
    let mut watcher = Watcher {
        etcd,
        range: Range::new(watch.key, watch.prefix, watch.range_end)?,
        next: watch.revision,
        established: false,
    };
    watcher.run(&sender).await
}

impl Watcher {
    async fn run(&mut self, sender: &Sender) -> Result<(), Error> {
        let mut reached = false;
        let mut renewed = false;
        loop {
            let Err(error) = self.follow(sender).await;
            reached |= self.established;
            renewed &= !self.established;
            self.established = false;
            if reached && is(&error, Code::Unavailable) {
                tracing::warn!("a watch waits for etcd: {error}");
                tokio::time::sleep(streams::PAUSE).await;
            } else if !renewed && is_refused(&error) && self.etcd.forget_token().await {
                // etcd gives the same error for a forgotten token and for missing permission.
                renewed = true;
            } else {
                return Err(error);
            }
        }
    }

    /// Runs until the watch or the connection ends.
    async fn follow(&mut self, sender: &Sender) -> Result<Infallible, Error> {
        let opened = self
            .etcd
            .call(self.create(), None, |etcd, create| async move {
                let (open, requests) = streams::begin(create);
                let answers = WatchClient::new(etcd).watch(requests).await?;
                Ok((open, answers.into_inner()))
            });
        let (_open, mut answers) = opened.await?;
        loop {
            let answer = answers
                .message()
                .await
                .map_err(|status| failed(status, None))?;
            let answer = answer.ok_or_else(streams::lost)?;
            if answer.canceled {
                return Err(cancelled(answer));
            }
            self.established = true;
            self.pass_on(answer, sender).await?;
        }
    }

    async fn pass_on(&mut self, answer: WatchResponse, sender: &Sender) -> Result<(), Error> {
        let quiet = answer.events.is_empty();
        for event in answer.events {
            let change = Change::from(event);
            let next = change.mod_revision + 1;
            sender.send(Json(change)).await?;
            self.next = next;
        }
        // Without events it reports etcd's revision: when the watch begins, and from time to time while it is idle.
        if quiet && (self.next == 0 || !answer.created) {
            self.next = self.next.max(revision(answer.header) + 1);
        }
        Ok(())
    }

    fn create(&self) -> WatchRequest {
        let create = WatchCreateRequest {
            key: self.range.key.clone(),
            range_end: self.range.end.clone(),
            start_revision: self.next,
            // Keeps an idle watch within the history that etcd still has.
            progress_notify: true,
        };
        WatchRequest {
            request_union: Some(RequestUnion::CreateRequest(create)),
        }
    }
}

impl From<Event> for Change {
    fn from(event: Event) -> Self {
        let r#type = match event.r#type() {
            EventType::Put => "put",
            EventType::Delete => "delete",
        };
        let kv = event.kv.unwrap_or_default();
        Self {
            r#type,
            key: text(&kv.key),
            value: text(&kv.value),
            mod_revision: kv.mod_revision,
        }
    }
}

/// etcd gives the reason as text only.
fn cancelled(answer: WatchResponse) -> Error {
    let reason = answer.cancel_reason;
    let (code, text) = if answer.compact_revision > 0 {
        let text = "etcdserver: mvcc: required revision has been compacted";
        (Code::OutOfRange, text.to_owned())
    } else if reason.contains("permission denied") {
        (Code::PermissionDenied, reason)
    } else if reason.contains("auth token") {
        (Code::Unauthenticated, reason)
    } else {
        (Code::Unknown, reason)
    };
    Error::new(code as i32, text)
}

fn is_refused(error: &Error) -> bool {
    is(error, Code::PermissionDenied) || is(error, Code::Unauthenticated)
}
