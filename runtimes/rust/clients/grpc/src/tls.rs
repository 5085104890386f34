//! The certificates that a connection trusts, and its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use resty_ffi::Error;
use tokio_rustls::rustls::client::ResolvesClientCert;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::refusal::refuse;

/// Of the options of `grpc.connect`.
#[derive(Default)]
pub struct Pems<'a> {
    pub ca: Option<&'a [u8]>,
    pub cert: Option<&'a [u8]>,
    pub key: Option<&'a [u8]>,
    pub host: Option<&'a str>,
    /// Trust every server, whatever its certificate says.
    pub unverified: bool,
}

#[derive(Clone, Debug)]
pub struct Tls {
    pub config: Arc<ClientConfig>,
    pub identity: Arc<Identity>,
    /// The name in the server's certificate, if it differs from the address.
    host: Option<ServerName<'static>>,
}

/// The system's certificates, read once.
static SYSTEM: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

pub fn new(pems: &Pems<'_>) -> Result<Tls, Error> {
    let provider = Arc::new(ring::default_provider());
    let trust = roots(pems.ca)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| refuse(error.to_string()))?;
    let builder = if pems.unverified {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody::new(&provider)))
    } else {
        builder.with_root_certificates(trust)
    };
    let mut config = match (pems.cert, pems.key) {
        (Some(cert), Some(key)) => {
            let key = PrivateKeyDer::from_pem_slice(key)
                .map_err(|_| refuse("\"tls.key\" holds no private key in PEM".to_owned()))?;
            builder
                .with_client_auth_cert(certificates("cert", cert)?, key)
                .map_err(|error| {
                    refuse(format!(
                        "\"tls.cert\" and \"tls.key\" cannot be used: {error}"
                    ))
                })?
        }
        _ => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    let identity = Arc::new(Identity {
        certificate: config.client_auth_cert_resolver,
        asked: AtomicBool::new(false),
    });
    config.client_auth_cert_resolver = identity.clone();
    Ok(Tls {
        config: Arc::new(config),
        identity,
        host: pems.host.map(server_name).transpose()?,
    })
}

fn server_name(host: &str) -> Result<ServerName<'static>, Error> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| refuse(format!("\"{host}\" is not a host name")))
}

impl Tls {
    /// The name that the server's certificate must have for this address.
    pub fn name_of(&self, address: &str) -> Result<ServerName<'static>, Error> {
        self.host.clone().map_or_else(|| server_name(address), Ok)
    }
}

/// The client's certificate, if there is one, and whether a server has asked for it. With TLS 1.3 a server refuses a
/// client after the handshake, and its reset can overtake the alert with the reason.
#[derive(Debug)]
pub struct Identity {
    certificate: Arc<dyn ResolvesClientCert>,
    asked: AtomicBool,
}

impl Identity {
    /// A possible reason why a server refused a connection.
    pub fn hint(&self) -> &'static str {
        match (
            self.asked.load(Ordering::Relaxed),
            self.certificate.has_certs(),
        ) {
            (false, _) => "",
            (true, false) => {
                " (the server asked for a client certificate: options tls.cert and tls.key)"
            }
            (true, true) => {
                " (the server asked for a client certificate, and may not trust that of the option tls.cert)"
            }
        }
    }
}

impl ResolvesClientCert for Identity {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        self.certificate.resolve(issuers, schemes)
    }

    fn has_certs(&self) -> bool {
        self.certificate.has_certs()
    }
}

/// Trusts every server. The server must still own the key of its certificate.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl Anybody {
    fn new(provider: &CryptoProvider) -> Self {
        Self(provider.signature_verification_algorithms)
    }
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

fn roots(ca: Option<&[u8]>) -> Result<Arc<RootCertStore>, Error> {
    let Some(ca) = ca else {
        return Ok(SYSTEM.clone());
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates("ca", ca)? {
        roots
            .add(certificate)
            .map_err(|error| refuse(format!("\"tls.ca\" cannot be used: {error}")))?;
    }
    Ok(Arc::new(roots))
}

fn certificates(option: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, Error> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .unwrap_or_default();
    if certificates.is_empty() {
        return Err(refuse(format!(
            "\"tls.{option}\" holds no certificate in PEM; the option \"{option}\" takes the text, as by grpc.readfile, and not the path"
        )));
    }
    Ok(certificates)
}
