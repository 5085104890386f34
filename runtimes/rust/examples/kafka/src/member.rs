//! A member of a consumer group.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::BorrowedMessage;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use resty_ffi::Error;
use tokio::runtime::Handle;

use crate::error::{failed, refused};
use crate::kafka::Kafka;
use crate::log::Log;
use crate::threads::Threads;

/// The pause between two attempts to commit.
const PAUSE: Duration = Duration::from_millis(200);

pub struct Member {
    /// `Some` until this is dropped.
    client: Option<Arc<Client>>,
    threads: Arc<Threads>,
}

type Client = StreamConsumer<Log>;

impl Member {
    /// Joins a group. Fails if no broker answers within `patience` or the topic does not exist.
    pub async fn join(
        kafka: &Kafka,
        config: ClientConfig,
        topics: Vec<String>,
        patience: Duration,
    ) -> Result<Self, Error> {
        let log = kafka.log.clone();
        let tokio = Handle::current();
        let joined = kafka.threads.run(move || {
            let _tokio = tokio.enter();
            let client: Client = config.create_with_context(log).map_err(failed)?;
            subscribe(&client, &topics, patience)?;
            Ok(client)
        })?;
        let client: Result<Client, Error> = joined.await?;
        Ok(Self {
            client: Some(Arc::new(client?)),
            threads: kafka.threads.clone(),
        })
    }

    /// Waits for the next record, also while the brokers are away.
    pub async fn record(&self) -> Result<BorrowedMessage<'_>, Error> {
        let mut told = false;
        loop {
            match self.client().recv().await {
                Ok(record) => return Ok(record),
                Err(error) if is_passing(&error) => {
                    if !told {
                        tracing::warn!("a consumer waits for Kafka: {error}");
                    }
                    told = true;
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Commits the records of a partition up to this one. Waits while the brokers are away.
    pub async fn commit(&self, topic: &str, partition: i32, offset: i64) -> Result<(), Error> {
        let mut list = TopicPartitionList::with_capacity(1);
        // The committed offset is the next one to read.
        list.add_partition_offset(topic, partition, Offset::Offset(offset + 1))
            .map_err(failed)?;
        loop {
            let (client, list) = (self.client().clone(), list.clone());
            let end = self
                .threads
                .run(move || client.commit(&list, CommitMode::Sync))?;
            match end.await? {
                Err(error) if is_passing(&error) => {
                    tracing::warn!("a commit waits for Kafka: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
                end => return end.map_err(failed),
            }
        }
    }

    fn client(&self) -> &Arc<Client> {
        self.client
            .as_ref()
            .expect("is there until this is dropped")
    }
}

impl Drop for Member {
    /// Leaving the group needs an answer of the brokers: without one it takes at most five seconds, ten with a commit
    /// in flight.
    fn drop(&mut self) {
        let client = self.client.take();
        if let Err(error) = self.threads.run(move || drop(client)) {
            tracing::error!("a consumer has left its group without a thread of its own: {error}");
        }
    }
}

/// Asks the brokers first: librdkafka would wait without a limit for them and for the topics.
fn subscribe(client: &Client, topics: &[String], patience: Duration) -> Result<(), Error> {
    for topic in topics {
        let metadata = client
            .fetch_metadata(Some(topic), patience)
            .map_err(failed)?;
        for found in metadata.topics() {
            if let Some(error) = found.error() {
                return Err(refused(error.into()));
            }
        }
    }
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    client.subscribe(&topics).map_err(failed)
}

/// Whether the error is temporary: the brokers are away, busy with the group, or make it rejoin.
fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::*;
    matches!(
        error.rdkafka_error_code(),
        Some(
            AllBrokersDown
                | BrokerTransportFailure
                | CoordinatorLoadInProgress
                | CoordinatorNotAvailable
                | IllegalGeneration
                | LeaderNotAvailable
                | NotCoordinator
                | NotLeaderForPartition
                | OperationTimedOut
                | PollExceeded
                | RebalanceInProgress
                | RequestTimedOut
                | Resolve
                | UnknownMemberId
                | WaitingForCoordinator
        )
    )
}
