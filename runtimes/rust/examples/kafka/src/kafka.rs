//! The clients of one cluster.

use std::sync::{Arc, OnceLock};

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::producer::FutureProducer;
use resty_ffi::Error;

use crate::config::Settings;
use crate::error::failed;
use crate::log::Log;
use crate::threads::Threads;

/// Each client connects at its first use, and again after a lost connection. Dropping the clients ends their threads
/// and connections.
pub struct Kafka {
    pub settings: Settings,
    pub log: Log,
    producer: OnceLock<FutureProducer<Log>>,
    admin: OnceLock<AdminClient<Log>>,
    pub threads: Arc<Threads>,
}

impl Kafka {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            log: Log::of_this_thread(),
            producer: OnceLock::new(),
            admin: OnceLock::new(),
            threads: Arc::default(),
        }
    }

    pub fn producer(&self) -> Result<&FutureProducer<Log>, Error> {
        self.first(&self.producer, Settings::producer)
    }

    pub fn admin(&self) -> Result<&AdminClient<Log>, Error> {
        self.first(&self.admin, Settings::client)
    }

    fn first<'a, C: FromClientConfigAndContext<Log>>(
        &self,
        place: &'a OnceLock<C>,
        config: impl Fn(&Settings) -> ClientConfig,
    ) -> Result<&'a C, Error> {
        if let Some(client) = place.get() {
            return Ok(client);
        }
        let config = config(&self.settings);
        let client = config
            .create_with_context(self.log.clone())
            .map_err(failed)?;
        Ok(place.get_or_init(|| client))
    }
}
