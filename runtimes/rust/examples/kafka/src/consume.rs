//! `consume`: sends the records of a group and receives commits.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join;
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers};
use resty_ffi::{Error, Json, Requests, Sender};
use serde::{Deserialize, Serialize};

use crate::error::bad_input;
use crate::json;
use crate::kafka::Kafka;
use crate::member::Member;

/// How long the stream looks for brokers when it begins.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    group: String,
    topics: Vec<String>,
    #[serde(default)]
    from: From,
}

/// The offset at which a group without commits begins.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum From {
    #[default]
    Earliest,
    Latest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commit {
    commit: Position,
}

#[derive(Serialize)]
struct Committed {
    committed: Position,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Position {
    topic: String,
    partition: i32,
    offset: i64,
}

#[derive(Serialize)]
struct Record<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
    key: Option<Cow<'a, str>>,
    value: Option<Cow<'a, str>>,
    headers: BTreeMap<&'a str, Option<Cow<'a, str>>>,
}

pub async fn consume(
    kafka: Arc<Kafka>,
    mut requests: Requests,
    sender: Sender,
) -> Result<(), Error> {
    let message = requests.recv().await?;
    let subscription: Subscription = json::decode(message.as_deref())?;
    subscription.check()?;
    let Subscription {
        group,
        topics,
        from,
    } = subscription;
    let config = kafka.settings.consumer(&group, from.value());
    let patience = requests
        .remaining()
        .map_or(PATIENCE, |left| left.min(PATIENCE));
    let member = Member::join(&kafka, config, topics.clone(), patience).await?;
    try_join(
        send_records(&member, &sender),
        take_commits(&member, &topics, requests, &sender),
    )
    .await?;
    Ok(())
}

async fn send_records(member: &Member, sender: &Sender) -> Result<Infallible, Error> {
    loop {
        let record = member.record().await?;
        sender.send(Json(Record::of(&record))).await?;
    }
}

/// Runs until the caller closes its direction.
async fn take_commits(
    member: &Member,
    topics: &[String],
    mut requests: Requests,
    sender: &Sender,
) -> Result<(), Error> {
    while let Some(message) = requests.recv().await? {
        let Commit { commit } = json::decode(Some(&message))?;
        commit.check(topics)?;
        let Position {
            topic,
            partition,
            offset,
        } = &commit;
        member.commit(topic, *partition, *offset).await?;
        sender.send(Json(Committed { committed: commit })).await?;
    }
    Ok(())
}

impl Subscription {
    fn check(&self) -> Result<(), Error> {
        if self.group.is_empty() {
            return Err(bad_input("group: must not be empty"));
        }
        if self.topics.is_empty() {
            return Err(bad_input("topics: must not be empty"));
        }
        Ok(())
    }
}

impl From {
    fn value(&self) -> &'static str {
        match self {
            Self::Earliest => "earliest",
            Self::Latest => "latest",
        }
    }
}

impl Position {
    fn check(&self, topics: &[String]) -> Result<(), Error> {
        if !topics.contains(&self.topic) {
            return Err(bad_input("commit.topic: is not a topic of this stream"));
        }
        if self.partition < 0 {
            return Err(bad_input("commit.partition: must not be below 0"));
        }
        if !(0..i64::MAX).contains(&self.offset) {
            return Err(bad_input("commit.offset: must not be below 0"));
        }
        Ok(())
    }
}

impl<'a> Record<'a> {
    fn of(record: &'a BorrowedMessage<'_>) -> Self {
        let headers = record
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter());
        Self {
            topic: record.topic(),
            partition: record.partition(),
            offset: record.offset(),
            timestamp: record.timestamp().to_millis().unwrap_or(-1),
            key: record.key().map(String::from_utf8_lossy),
            value: record.payload().map(String::from_utf8_lossy),
            headers: headers
                .map(|header| (header.key, header.value.map(String::from_utf8_lossy)))
                .collect(),
        }
    }
}
