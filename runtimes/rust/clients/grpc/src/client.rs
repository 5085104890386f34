//! A client: its connection and its types, which come from the loaded files and from the server's reflection.

use std::sync::{Arc, Mutex, PoisonError};

use resty_ffi::Error;

use crate::connection::Connection;
use crate::descriptor::File;
use crate::link::link;
use crate::question::Question;
use crate::schema::Schema;
use crate::types::{Found, Types};
use crate::{learn, missing};

/// A connection with the files that are loaded for it.
#[derive(Debug)]
pub struct Client {
    pub connection: Arc<Connection>,
    pub schema: Arc<Schema>,
    /// The loaded and the reflected types, for one version of the reflected files.
    joined: Mutex<Option<(u64, Arc<Types>)>>,
}

impl Client {
    pub fn new(connection: Arc<Connection>, schema: Arc<Schema>) -> Self {
        Self {
            connection,
            schema,
            joined: Mutex::default(),
        }
    }

    /// All types. When a loaded file and the server have a type or a method of the same name, the loaded one is used.
    pub async fn types(&self) -> Result<Arc<Types>, Error> {
        let loaded = self.schema.loaded().await?;
        let reflected = &self.connection.reflected;
        let version = reflected.version();
        if version == 0 {
            return Ok(loaded.types.clone());
        }
        let mut joined = self.joined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, types)) = &*joined {
            if *of == version {
                return Ok(types.clone());
            }
        }
        let sets = reflected.sets();
        let sets = sets.iter().map(|files| files.as_slice());
        let sets: Vec<&[File]> = sets.chain(loaded.sets()).collect();
        let types = Arc::new(link(&sets));
        *joined = Some((version, types.clone()));
        Ok(types)
    }

    /// Whether this Lua table needs unknown types.
    pub fn has_to_ask(&self, found: &Found, table: &[u8]) -> bool {
        self.connection.settings.reflection
            && !missing::in_table(&found.types, found.method.input, table).is_empty()
    }

    /// The method with the types that this Lua table needs. Asks the server for unknown ones.
    pub async fn knowing_request(
        &self,
        found: Found,
        path: &str,
        table: &[u8],
    ) -> Result<Found, Error> {
        let missing = missing::in_table(&found.types, found.method.input, table);
        self.knowing(found, path, missing).await
    }

    /// The same for an answer.
    pub async fn knowing_answer(
        &self,
        found: Found,
        path: &str,
        bytes: &[u8],
    ) -> Result<Found, Error> {
        let missing = missing::in_message(&found.types, found.method.output, bytes);
        self.knowing(found, path, missing).await
    }

    /// The same for the details of an error.
    pub async fn knowing_details(
        &self,
        found: Found,
        path: &str,
        status: &[u8],
    ) -> Result<Found, Error> {
        let missing = missing::in_details(&found.types, status);
        self.knowing(found, path, missing).await
    }

    async fn knowing(
        &self,
        found: Found,
        path: &str,
        missing: Vec<Question>,
    ) -> Result<Found, Error> {
        let asks = !missing.is_empty() && self.connection.settings.reflection;
        if !asks || !learn::learn(&self.connection, missing).await {
            return Ok(found);
        }
        Ok(self.types().await?.method(path).unwrap_or(found))
    }
}
