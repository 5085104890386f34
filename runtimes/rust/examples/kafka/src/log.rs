//! librdkafka's log lines, which come from threads of its own.

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel as Level;
use rdkafka::consumer::ConsumerContext;
use tracing::dispatcher::{self, Dispatch};

/// Where a thread of the runtime logs to.
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
