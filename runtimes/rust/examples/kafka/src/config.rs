//! Where the brokers are, and how records are sent to them.

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
    /// Nothing is connected here, but all that can be wrong without a connection is found.
    pub fn load(config: &Config) -> Result<Self, Error> {
        let text = config.as_str().unwrap_or("{}");
        let settings: Self = json::parse(text.as_bytes()).map_err(invalid)?;
        if settings.brokers.is_empty() {
            return Err(invalid("brokers: there is none"));
        }
        for broker in &settings.brokers {
            let port = broker.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
            if !matches!(port, Some(Ok(_))) {
                return Err(invalid(format!("brokers: \"{broker}\" is not HOST:PORT")));
            }
        }
        Ok(settings)
    }

    /// What all clients have in common.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set("reconnect.backoff.max.ms", "1000")
            .set("socket.keepalive.enable", "true")
            // A topic that is unknown for longer is taken for one that does not exist.
            .set("topic.metadata.propagation.max.ms", "1000");
        config
    }

    pub fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("acks", self.acks.value())
            .set("compression.type", self.compression.value())
            .set("linger.ms", self.linger_ms.to_string())
            // Records that come while so many requests are under way go out together in the next.
            .set("max.in.flight.requests.per.connection", "5")
            // librdkafka has one for all records: a call's usual deadline. What nobody waits for is not sent later.
            .set("message.timeout.ms", "5000");
        config
    }

    pub fn consumer(&self, group: &str, from: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("auto.offset.reset", from)
            .set("enable.auto.commit", "false")
            // After which a member that has crashed is none any more, and a commit that finds no broker gives up.
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
