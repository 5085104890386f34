//! The configuration: endpoints and user.

use std::time::Duration;

use resty_ffi::{Config, Error, code};
use serde::Deserialize;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::client::{Etcd, User};
use crate::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    endpoints: Vec<String>,
    user: Option<String>,
    password: Option<String>,
}

/// Checks the configuration without connecting.
pub fn client(config: &Config) -> Result<Etcd, Error> {
    let text = config.as_str().unwrap_or("{}");
    let settings: Settings = json::parse(text.as_bytes()).map_err(invalid)?;
    if settings.endpoints.is_empty() {
        return Err(invalid("endpoints: must not be empty"));
    }
    let user = match (settings.user, settings.password) {
        (None, None) => None,
        (Some(name), Some(password)) => Some(User { name, password }),
        (Some(_), None) => return Err(invalid("password: missing, user needs it")),
        (None, Some(_)) => return Err(invalid("user: missing, password needs it")),
    };
    let channels: Result<_, Error> = settings.endpoints.iter().map(|e| channel(e)).collect();
    Ok(Etcd::new(channels?, user))
}

/// Connects at the first call, and again after a lost connection.
fn channel(address: &str) -> Result<Channel, Error> {
    let uri = Uri::builder().scheme("http").authority(address);
    let uri = uri.path_and_query("/").build();
    let uri = uri.map_err(|e| invalid(format!("endpoints: \"{address}\": {e}")))?;
    if uri.port().is_none() {
        return Err(invalid(format!("endpoints: \"{address}\" has no port")));
    }
    Ok(Endpoint::from(uri)
        .connect_timeout(Duration::from_secs(2))
        // Streams wait without a limit, so a server that silently disappears must be noticed.
        .http2_keep_alive_interval(Duration::from_secs(10))
        .keep_alive_timeout(Duration::from_secs(5))
        .connect_lazy())
}

fn invalid(what: impl Into<String>) -> Error {
    let text = format!("configuration: {}", what.into());
    Error::new(code::BAD_ARGUMENT, text)
}
