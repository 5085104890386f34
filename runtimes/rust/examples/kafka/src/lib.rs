//! Topics, producing and consumer groups of Kafka, with JSON for requests and answers.

mod config;
mod consume;
mod error;
mod json;
mod kafka;
mod log;
mod member;
mod produce;
mod threads;
mod topics;

use std::sync::Arc;

use resty_ffi::{Config, Error, Request, Requests, Router, Sender};

use config::Settings;
use kafka::Kafka;

fn init(config: Config) -> Result<Router, Error> {
    let kafka = Arc::new(Kafka::new(Settings::load(&config)?));
    let (creating, producing, consuming) = (kafka.clone(), kafka.clone(), kafka);
    Ok(Router::new()
        .route("create_topic", move |request: Request| {
            topics::create(creating.clone(), request)
        })
        .route("produce", move |request: Request| {
            produce::produce(producing.clone(), request)
        })
        .stream("consume", move |requests: Requests, sender: Sender| {
            consume::consume(consuming.clone(), requests, sender)
        }))
}

resty_ffi::export!(init);
