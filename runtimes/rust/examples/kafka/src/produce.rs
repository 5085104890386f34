//! `produce`.

use std::collections::BTreeMap;
use std::sync::Arc;

use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use resty_ffi::{Error, Json, Request};
use serde::{Deserialize, Serialize};

use crate::error::{bad_input, failed};
use crate::json;
use crate::kafka::Kafka;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Produce {
    topic: String,
    value: String,
    key: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    partition: Option<i32>,
}

#[derive(Serialize)]
pub struct Produced {
    topic: String,
    partition: i32,
    offset: i64,
}

pub async fn produce(kafka: Arc<Kafka>, request: Request) -> Result<Json<Produced>, Error> {
    let produce: Produce = json::decode(request.body())?;
    if produce.partition.is_some_and(|partition| partition < 0) {
        return Err(bad_input("partition: must not be below 0"));
    }
    let record = FutureRecord {
        topic: &produce.topic,
        partition: produce.partition,
        payload: Some(&produce.value),
        key: produce.key.as_ref(),
        timestamp: None,
        headers: headers(&produce.headers),
    };
    let delivery = kafka.producer()?.send_result(record);
    let delivery = delivery.map_err(|(error, _)| failed(error))?.await?;
    let delivery = delivery.map_err(|(error, _)| failed(error))?;
    Ok(Json(Produced {
        partition: delivery.partition,
        // librdkafka has a different number for "unknown".
        offset: delivery.offset.max(-1),
        topic: produce.topic,
    }))
}

fn headers(headers: &BTreeMap<String, String>) -> Option<OwnedHeaders> {
    if headers.is_empty() {
        return None;
    }
    let list = OwnedHeaders::new_with_capacity(headers.len());
    Some(headers.iter().fold(list, |list, (key, value)| {
        let value = Some(value);
        list.insert(Header { key, value })
    }))
}
