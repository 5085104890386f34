use std::sync::Arc;

use crate::host::Queue;
use crate::{Dict, Error, LogLayer, code};

/// The configuration of a runtime, which the function given to [`export!`](crate::export) receives.
#[derive(Clone, Debug)]
pub struct Config {
    name: String,
    text: Option<String>,
    dict: Dict,
    log: LogLayer,
}

impl Config {
    pub(crate) fn new(queue: &Arc<Queue>) -> Result<Self, Error> {
        let name = queue.name();
        let text = match queue.config().map(String::from_utf8).transpose() {
            Ok(text) => text,
            Err(_) => {
                return Err(Error::new(
                    code::BAD_ARGUMENT,
                    format!("the configuration of runtime \"{name}\" is not UTF-8: give it text"),
                ));
            }
        };
        Ok(Self {
            name,
            text,
            dict: Dict::new(queue),
            log: LogLayer::new(queue),
        })
    }

    /// The runtime's name, for messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration string; `None` if the runtime was loaded without one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The configuration, decoded from JSON. A missing configuration counts as `{}`. Needs the feature `json` (on by
    /// default).
    ///
    /// ```no_run
    /// use resty_ffi::{Config, Error, Request, Router};
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Greeting {
    ///     #[serde(default)]
    ///     prefix: String,
    /// }
    ///
    /// fn init(config: Config) -> Result<Router, Error> {
    ///     let Greeting { prefix } = config.json()?;
    ///     Ok(Router::new().route("greet", move |req: Request| {
    ///         let mut answer = prefix.clone().into_bytes();
    ///         answer.extend_from_slice(req.body().unwrap_or_default());
    ///         async { answer }
    ///     }))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The error says what is wrong with the configuration, and where.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(self.as_str().unwrap_or("{}")).map_err(|e| {
            Error::new(
                code::BAD_ARGUMENT,
                format!(
                    "the configuration of runtime \"{}\" does not fit: {e}",
                    self.name
                ),
            )
        })
    }

    /// The host's shared dict.
    #[must_use]
    pub fn dict(&self) -> &Dict {
        &self.dict
    }

    /// The layer that writes to the host's log, for a subscriber of your own: see
    /// [`Router::subscriber`](crate::Router::subscriber).
    #[must_use]
    pub fn log_layer(&self) -> LogLayer {
        self.log.clone()
    }
}
