//! The options of `grpc.connect`, whose names and types the Lua side has checked.

use std::time::Duration;

use http::uri::Authority;
use resty_ffi::Error;
use tonic::metadata::MetadataMap;

use crate::metadata;
use crate::msgpack::Reader;
use crate::refusal::refuse;
use crate::tls::{self, Pems, Tls};

#[derive(Debug)]
pub struct Settings {
    pub targets: Vec<Target>,
    /// Connections to each of the targets.
    pub connections: usize,
    pub policy: Policy,
    pub tls: Option<Tls>,
    pub connect_timeout: Duration,
    pub keepalive: Option<Duration>,
    pub keepalive_timeout: Duration,
    pub max_message_size: usize,
    /// The limit on the headers and on the trailers of an answer, as HTTP/2 counts them.
    pub max_metadata_size: usize,
    pub gzip: bool,
    pub reflection: bool,
    pub wait_for_ready: bool,
    pub idle_timeout: Duration,
    pub metadata: MetadataMap,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    RoundRobin,
    PickFirst,
}

impl Policy {
    fn named(name: &str) -> Self {
        match name {
            "pick_first" => Self::PickFirst,
            _ => Self::RoundRobin,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Target {
    /// For messages.
    pub name: String,
    pub place: Place,
    /// The authority that the server sees.
    pub authority: Authority,
}

#[derive(Clone, Debug)]
pub enum Place {
    Tcp { host: String, port: u16 },
    Unix { path: String },
}

impl Settings {
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let mut addresses = Vec::new();
        let (mut encrypted, mut pems) = (false, Pems::default());
        let mut settings = Self {
            targets: Vec::new(),
            connections: 1,
            policy: Policy::RoundRobin,
            tls: None,
            connect_timeout: Duration::from_secs(5),
            keepalive: None,
            keepalive_timeout: Duration::from_secs(10),
            max_message_size: 4 << 20,
            max_metadata_size: 64 << 10,
            gzip: false,
            reflection: true,
            wait_for_ready: false,
            idle_timeout: Duration::from_secs(60),
            metadata: MetadataMap::new(),
        };
        for _ in 0..reader.map()? {
            match reader.string()? {
                "addresses" => {
                    for _ in 0..reader.list()? {
                        addresses.push(reader.string()?);
                    }
                }
                "tls" => encrypted = reader.boolean()?,
                "ca" => pems.ca = Some(reader.bytes()?),
                "cert" => pems.cert = Some(reader.bytes()?),
                "priv_key" => pems.key = Some(reader.bytes()?),
                "host" => pems.host = Some(reader.string()?),
                "verify" => pems.unverified = !reader.boolean()?,
                "connections" => settings.connections = reader.number()? as usize,
                "policy" => settings.policy = Policy::named(reader.string()?),
                "connect_timeout" => settings.connect_timeout = seconds(&mut reader)?,
                "keepalive" => settings.keepalive = Some(seconds(&mut reader)?),
                "keepalive_timeout" => settings.keepalive_timeout = seconds(&mut reader)?,
                "max_message_size" => settings.max_message_size = reader.number()? as usize,
                "max_metadata_size" => settings.max_metadata_size = reader.number()? as usize,
                "compression" => settings.gzip = reader.string()? == "gzip",
                "reflection" => settings.reflection = reader.boolean()?,
                "wait_for_ready" => settings.wait_for_ready = reader.boolean()?,
                "idle_timeout" => settings.idle_timeout = seconds(&mut reader)?,
                "metadata" => metadata::read(&mut reader, &mut settings.metadata)?,
                _ => reader.skip()?,
            }
        }
        let host = pems.host;
        settings.targets = addresses
            .into_iter()
            .map(|address| target(address, host))
            .collect::<Result<_, _>>()?;
        if encrypted {
            settings.tls = Some(tls::new(&pems)?);
        }
        Ok(settings)
    }
}

fn seconds(reader: &mut Reader<'_>) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(reader.number()?).map_err(|_| crate::msgpack::malformed())
}

fn target(address: &str, host: Option<&str>) -> Result<Target, Error> {
    let wrong = || {
        refuse(format!(
            "\"{address}\" is not an address: write HOST:PORT, [IPV6]:PORT or unix:PATH"
        ))
    };
    if let Some(path) = address.strip_prefix("unix:") {
        return Ok(Target {
            name: address.to_owned(),
            authority: host.unwrap_or("localhost").parse().map_err(|_| wrong())?,
            place: Place::Unix {
                path: path.to_owned(),
            },
        });
    }
    let (name, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let authority = match host {
        Some(host) => format!("{host}:{port}"),
        None => address.to_owned(),
    };
    Ok(Target {
        name: address.to_owned(),
        authority: authority.parse().map_err(|_| wrong())?,
        place: Place::Tcp {
            host: name.trim_matches(['[', ']']).to_owned(),
            port: port.parse().map_err(|_| wrong())?,
        },
    })
}
