//! The configuration: the brokers and how records are sent.

use rdkafka::ClientConfig;
use resty_ffi::{Config, Error, code};
use serde::Deserialize;

use crate::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    brokers: Vec<String>,
    #[serde(default)]
    acks: Acks,
    #[serde(default)]
    compression: Compression,
    #[serde(default)]
    linger_ms: u16,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum Acks {
    #[default]
    #[serde(rename = "all")]
    All,
    #[serde(rename = "1")]
    Leader,
    #[serde(rename = "0")]
    Nobody,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Compression {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
}

impl Settings {
    /// Checks the configuration without connecting.
    pub fn load(config: &Config) -> Result<Self, Error> {
        let text = config.as_str().unwrap_or("{}");
        let settings: Self = json::parse(text.as_bytes()).map_err(invalid)?;
        if settings.brokers.is_empty() {
            return Err(invalid("brokers: must not be empty"));
        }
        for broker in &settings.brokers {
            let port = broker.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            if !matches!(port, Some(Ok(_))) {
                return Err(invalid(format!("brokers: \"{broker}\" is not HOST:PORT")));
            }
        }
        Ok(settings)
    }

    /// The settings of all clients.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.keepalive.enable", "true")
            // A topic that stays unknown for longer does not exist.
            .set("topic.metadata.propagation.max.ms", "1000");
        config
    }

    pub fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("acks", self.acks.value())
            .set("compression.type", self.compression.value())
            .set("linger.ms", self.linger_ms.to_string())
            // While this many requests are in flight, records collect for the next one.
            .set("max.in.flight.requests.per.connection", "5")
            // librdkafka has one limit for all records: a call's usual deadline, so that records without a waiting
            // caller are not sent later.
            .set("message.timeout.ms", "5000");
        config
    }

    pub fn consumer(&self, group: &str, from: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("auto.offset.reset", from)
            .set("enable.auto.commit", "false")
            // The time after which a crashed member leaves its group, and a commit without a broker fails.
            .set("session.timeout.ms", "10000");
        config
    }
}

impl Acks {
    fn value(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Leader => "1",
            Self::Nobody => "0",
        }
    }
}

impl Compression {
    fn value(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
        }
    }
}

fn invalid(what: impl Into<String>) -> Error {
    let text = format!("configuration: {}", what.into());
    Error::new(code::BAD_ARGUMENT, text)
}
