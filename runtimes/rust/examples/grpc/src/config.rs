//! The configuration: the service's address and the certificates.

use std::fs;
use std::time::Duration;

use resty_ffi::{Config, Error, code};
use serde::Deserialize;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Uri};

use crate::error::causes;
use crate::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    address: String,
    tls: Option<Tls>,
}

/// The first three are paths of PEM files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    ca: String,
    cert: Option<String>,
    key: Option<String>,
    host: Option<String>,
}

/// The endpoint. Checks the configuration without connecting.
pub fn endpoint(config: &Config) -> Result<Endpoint, Error> {
    let text = config.as_str().unwrap_or("{}");
    let settings: Settings = json::parse(text.as_bytes()).map_err(invalid)?;
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let endpoint = Endpoint::from(uri(scheme, &settings.address)?)
        .connect_timeout(Duration::from_secs(3))
        // Notices a server that silently disappears. Most servers take more frequent pings for an attack.
        .http2_keep_alive_interval(Duration::from_secs(300))
        .keep_alive_timeout(Duration::from_secs(20));
    match settings.tls {
        Some(tls) => endpoint
            .tls_config(tls.load()?)
            .map_err(|e| invalid(format!("tls: {}", causes(&e)))),
        None => Ok(endpoint),
    }
}

fn uri(scheme: &str, address: &str) -> Result<Uri, Error> {
    let uri = Uri::builder()
        .scheme(scheme)
        .authority(address)
        .path_and_query("/");
    let uri = uri
        .build()
        .map_err(|e| invalid(format!("address: \"{address}\": {e}")))?;
    match uri.port_u16() {
        Some(_) => Ok(uri),
        None => Err(invalid(format!("address: \"{address}\" has no port"))),
    }
}

impl Tls {
    fn load(self) -> Result<ClientTlsConfig, Error> {
        let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem(
            "ca",
            &self.ca,
            "CERTIFICATE",
        )?));
        if let Some(host) = self.host {
            tls = tls.domain_name(host);
        }
        match (self.cert, self.key) {
            (None, None) => Ok(tls),
            (Some(cert), Some(key)) => Ok(tls.identity(Identity::from_pem(
                pem("cert", &cert, "CERTIFICATE")?,
                pem("key", &key, "PRIVATE KEY")?,
            ))),
            (Some(_), None) => Err(invalid("tls.key: missing, tls.cert needs it")),
            (None, Some(_)) => Err(invalid("tls.cert: missing, tls.key needs it")),
        }
    }
}

/// A file that holds a certificate or a key.
fn pem(field: &str, path: &str, what: &str) -> Result<String, Error> {
    let text =
        fs::read_to_string(path).map_err(|e| invalid(format!("tls.{field}: {path}: {e}")))?;
    if text.contains(&format!("{what}-----")) {
        Ok(text)
    } else {
        Err(invalid(format!("tls.{field}: {path} holds no PEM {what}")))
    }
}

fn invalid(what: impl Into<String>) -> Error {
    Error::new(
        code::BAD_ARGUMENT,
        format!("configuration: {}", what.into()),
    )
}
