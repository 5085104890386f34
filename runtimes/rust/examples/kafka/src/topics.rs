//! `create_topic`.

use std::sync::Arc;

use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use resty_ffi::{Error, Json, Request};
use serde::{Deserialize, Serialize};

use crate::error::{failed, refused};
use crate::json;
use crate::kafka::Kafka;

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
        // The answer comes when the topic is there, not when it has been ordered.
        .operation_timeout(request.remaining());
    let results = kafka.admin()?.create_topics([&topic], &options).await;
    for result in results.map_err(failed)? {
        result.map_err(|(_, code)| refused(code))?;
    }
    Ok(Json(Created {
        topic: create.topic,
        partitions: create.partitions,
    }))
}
