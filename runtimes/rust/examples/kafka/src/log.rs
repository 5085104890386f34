//! The log of librdkafka, which logs from its own threads.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::ConsumerContext;
use tracing::dispatcher::{self, Dispatch};

/// The subscriber of the runtime's threads.
#[derive(Clone)]
pub struct Log(Dispatch);

impl Log {
    pub fn of_this_thread() -> Self {
        Self(dispatcher::get_default(Dispatch::clone))
    }
}

impl ClientContext for Log {
    fn log(&self, level: Level, _: &str, line: &str) {
        dispatcher::with_default(&self.0, || match level {
            Level::Emerg | Level::Alert | Level::Critical | Level::Error => {
                tracing::error!("kafka: {line}");
            }
            Level::Warning => tracing::warn!("kafka: {line}"),
            Level::Notice | Level::Info => tracing::info!("kafka: {line}"),
            Level::Debug => tracing::debug!("kafka: {line}"),
        });
    }
}

impl ConsumerContext for Log {}
