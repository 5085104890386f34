//! `create_topic`.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode;
use resty_ffi::{Error, Json, Request};
use serde::{Deserialize, Serialize};

use crate::error::{failed, refused};
use crate::json;
use crate::kafka::Kafka;

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    topic: String,
    #[serde(default = "one")]
    partitions: i32,
    #[serde(default = "one")]
    replication_factor: i32,
}

fn one() -> i32 {
    1
}

#[derive(Serialize)]
pub struct Created {
    topic: String,
    partitions: i32,
}

pub async fn create(kafka: Arc<Kafka>, request: Request) -> Result<Json<Created>, Error> {
    let create: Create = json::decode(request.body())?;
    let replication = TopicReplication::Fixed(create.replication_factor);
    let topic = NewTopic::new(&create.topic, create.partitions, replication);
    let options = AdminOptions::new()
        .request_timeout(request.remaining())
        .operation_timeout(request.remaining());
    let results = kafka.admin()?.create_topics([&topic], &options).await;
    for result in results.map_err(failed)? {
        result.map_err(|(_, code)| refused(code))?;
    }
    // The controller has answered, but the other brokers learn of the topic later.
    while !is_known(&kafka, &create.topic, &options).await? {
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Ok(Json(Created {
        topic: create.topic,
        partitions: create.partitions,
    }))
}

async fn is_known(kafka: &Kafka, topic: &str, options: &AdminOptions) -> Result<bool, Error> {
    let topic = ResourceSpecifier::Topic(topic);
    let described = kafka.admin()?.describe_configs([&topic], options).await;
    for result in described.map_err(failed)? {
        match result {
            Err(RDKafkaErrorCode::UnknownTopicOrPartition) => return Ok(false),
            other => other.map_err(refused)?,
        };
    }
    Ok(true)
}
