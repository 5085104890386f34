//! Finds the method of a path and reads the body of a request.

use resty_ffi::Error;
use tonic::Code;
use tonic::metadata::MetadataMap;

use crate::built_in::BUILT_IN;
use crate::client::Client;
use crate::msgpack::Reader;
use crate::refusal::{list_of, refuse};
use crate::types::Found;
use crate::{learn, metadata, schema};

/// The body of a request: `[path, message]` or `[path, message, options]`.
pub struct Asked<'a> {
    pub path: &'a str,
    /// The Lua table, in MessagePack.
    pub message: &'a [u8],
    pub metadata: MetadataMap,
    pub wait: bool,
    /// The answer includes the metadata of the response.
    pub with_metadata: bool,
}

impl<'a> Asked<'a> {
    pub fn read(body: &'a [u8], client: &Client) -> Result<Self, Error> {
        let settings = &client.connection.settings;
        let mut reader = Reader::new(body);
        let n = reader.list()?;
        let mut asked = Self {
            path: reader.string()?,
            message: reader.raw()?,
            metadata: settings.metadata.clone(),
            wait: settings.wait_for_ready,
            with_metadata: false,
        };
        if n > 2 {
            for _ in 0..reader.map()? {
                match reader.string()? {
                    "metadata" => metadata::read(&mut reader, &mut asked.metadata)?,
                    "wait_for_ready" => asked.wait = reader.boolean()?,
                    "with_metadata" => asked.with_metadata = reader.boolean()?,
                    _ => reader.skip()?,
                }
            }
        }
        Ok(asked)
    }
}

/// A method, and whether its description comes from the server.
pub struct Known {
    pub found: Found,
    pub reflected: bool,
}

/// The method in the loaded files, else in the server's reflection.
pub async fn find(client: &Client, path: &str, wait: bool) -> Result<Known, Error> {
    let loaded = client.schema.loaded().await?;
    let found = match loaded.types.methods.contains_key(path) {
        true => client.types().await?.method(path),
        false => BUILT_IN.method(path),
    };
    if let Some(found) = found {
        let reflected = false;
        return Ok(Known { found, reflected });
    }
    let (service, method) = schema::split(path)?;
    if !client.connection.settings.reflection {
        return Err(refuse(loaded.missing(service, method)));
    }
    match learn::service(&client.connection, service, wait).await {
        Ok(()) => {
            let types = client.types().await?;
            if let Some(found) = types.method(path) {
                let reflected = true;
                return Ok(Known { found, reflected });
            }
            let methods = types.service(service).unwrap_or_default();
            let names = list_of(methods.iter().map(String::as_str));
            Err(refuse(format!(
                "{service} has no method \"{method}\"; the server says that its methods are: {names}"
            )))
        }
        Err(status) if [Code::Unimplemented, Code::NotFound].contains(&status.code()) => {
            let missing = loaded.missing(service, method);
            let server = match status.code() {
                Code::NotFound => "the server does not know it either",
                _ => "the server has no reflection to ask",
            };
            Err(refuse(format!("{missing}, and {server}")))
        }
        Err(status) => Err(crate::status::error(&status, None)),
    }
}
