//! The clients of a runtime, by the digest of their options.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use resty_ffi::Error;
use tokio::sync::Notify;

use crate::client::Client;
use crate::connection::Connection;
use crate::msgpack::{Reader, Value, malformed};
use crate::schema::Schema;
use crate::settings::Settings;

/// The error for an unknown or forgotten client. The Lua side sends the call again, with the options.
const UNKNOWN_CLIENT: i32 = 10001;

/// The shortest and the longest time between two searches for unused clients.
const SWEEP: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

#[derive(Debug, Default)]
pub struct Clients {
    tables: Mutex<Tables>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Tables {
    clients: HashMap<Vec<u8>, Entry>,
    /// Clients that differ only in their files share a connection; clients that differ only in their connection share
    /// the files.
    connections: HashMap<Vec<u8>, Weak<Connection>>,
    schemas: HashMap<Arc<[u8]>, Weak<Schema>>,
}

#[derive(Debug)]
struct Entry {
    /// Every other owner is a running call or stream.
    client: Arc<Client>,
    used: Instant,
}

/// A request of the Lua side: `[id, body]` or `[id, body, options]`.
pub struct Envelope<'a> {
    id: &'a [u8],
    pub body: &'a [u8],
    options: Option<&'a [u8]>,
}

impl<'a> Envelope<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes);
        let n = reader.list()?;
        if n < 2 {
            return Err(malformed());
        }
        let id = reader.bytes()?;
        let body = reader.raw()?;
        let options = match n {
            2 => Value::Nil,
            _ => reader.next()?,
        };
        let options = match options {
            Value::Text(options) => Some(options),
            _ => None,
        };
        Ok(Self { id, body, options })
    }
}

impl Clients {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of a request. Creates it from the options if it is unknown.
    pub fn get(&self, envelope: &Envelope<'_>) -> Result<Arc<Client>, Error> {
        let mut tables = self.tables();
        if let Some(entry) = tables.clients.get_mut(envelope.id) {
            entry.used = Instant::now();
            return Ok(entry.client.clone());
        }
        let options = envelope
            .options
            .ok_or_else(|| Error::new(UNKNOWN_CLIENT, "the options are not known"))?;
        let client = tables.make(options)?;
        let entry = Entry {
            client: client.clone(),
            used: Instant::now(),
        };
        tables.clients.insert(envelope.id.to_vec(), entry);
        drop(tables);
        self.added.notify_one();
        Ok(client)
    }

    /// Drops clients that are unused for their idle time. Runs as long as the runtime.
    pub async fn sweep(self: Arc<Self>) {
        loop {
            let pause = self.tables().sweep();
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => self.added.notified().await,
            }
        }
    }
}

impl Tables {
    /// Creates a client from its options: `{ connection = MessagePack, schema = MessagePack }`.
    fn make(&mut self, options: &[u8]) -> Result<Arc<Client>, Error> {
        let (mut connection, mut schema) = (None, &[0x90, 0x90][..]);
        let mut reader = Reader::new(options);
        for _ in 0..reader.map()? {
            match reader.string()? {
                "connection" => connection = Some(reader.bytes()?),
                "schema" => schema = reader.bytes()?,
                _ => reader.skip()?,
            }
        }
        let text = connection.ok_or_else(malformed)?;
        let connection = match self.connections.get(text).and_then(Weak::upgrade) {
            Some(connection) => connection,
            None => {
                let connection = Arc::new(Connection::new(Settings::read(text)?));
                self.connections
                    .insert(text.to_vec(), Arc::downgrade(&connection));
                connection
            }
        };
        let schema = match self.schemas.get(schema).and_then(Weak::upgrade) {
            Some(schema) => schema,
            None => {
                let source = Arc::<[u8]>::from(schema);
                let schema = Arc::new(Schema::new(source.clone()));
                self.schemas.insert(source, Arc::downgrade(&schema));
                schema
            }
        };
        Ok(Arc::new(Client::new(connection, schema)))
    }

    /// Drops unused clients. Returns the time until the next search; `None` without clients.
    fn sweep(&mut self) -> Option<Duration> {
        let now = Instant::now();
        let before = self.clients.len();
        let mut pause = SWEEP.1;
        self.clients.retain(|_, entry| {
            let idle = entry.client.connection.settings.idle_timeout;
            pause = pause.min(idle / 4).max(SWEEP.0);
            if Arc::strong_count(&entry.client) > 1 {
                entry.used = now;
            }
            now.duration_since(entry.used) < idle
        });
        if self.clients.len() < before {
            self.connections
                .retain(|_, connection| connection.strong_count() > 0);
            self.schemas.retain(|_, schema| schema.strong_count() > 0);
            self.clients.shrink_to(64);
        }
        (!self.clients.is_empty()).then_some(pause)
    }
}
