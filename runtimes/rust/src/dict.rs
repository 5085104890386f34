use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::host::{Body, DictOp, Queue};
use crate::{Error, code};

/// The host's shared dict: a `lua_shared_dict` of nginx.
///
/// Every operation is a message to the host and one back, so it is awaited; a [`blocking`](crate::blocking) handler
/// waits with `tokio::runtime::Handle::current().block_on(…)`. A `Dict` is cheap to clone and usable from any thread
/// and any task. Dropping the future of an operation does not undo the operation.
///
/// ```no_run
/// # use resty_ffi::{Error, Request};
/// async fn visits(req: Request) -> Result<String, Error> {
///     Ok(req.dict().incr("visits", 1).await?.to_string())
/// }
/// ```
///
/// # Errors
///
/// Every operation fails with the host's code and text when the dict is not configured, is full, or holds a value that
/// is not a number; and with [`code::UNLOADED`] once the runtime is unloaded.
#[derive(Clone, Debug)]
pub struct Dict {
    queue: Weak<Queue>,
    /// Empty for the first dict that the runtime may use.
    name: Arc<str>,
}

impl Dict {
    pub(crate) fn new(queue: &Arc<Queue>) -> Self {
        Self {
            queue: Arc::downgrade(queue),
            name: Arc::default(),
        }
    }

    /// The dict of this name. It must be one of the dicts that the option `dicts` of `ngx.load_ffi` allows; without a
    /// name, a `Dict` is the first of them.
    ///
    /// ```no_run
    /// # use resty_ffi::{Error, Request};
    /// async fn seen(req: Request) -> Result<String, Error> {
    ///     let cache = req.dict().named("cache");
    ///     Ok(cache.incr("seen", 1).await?.to_string())
    /// }
    /// ```
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self {
            queue: self.queue.clone(),
            name: name.into(),
        }
    }

    /// The value of a key; `None` for a missing key.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Body>, Error> {
        self.ask(DictOp::Get, key.as_ref(), b"", 0).await
    }

    /// Sets a key that does not expire.
    pub async fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.ask(DictOp::Set, key.as_ref(), value.as_ref(), 0)
            .await
            .map(drop)
    }

    /// Sets a key that expires after `ttl`: whole milliseconds, at least one.
    pub async fn set_for(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> Result<(), Error> {
        self.ask(DictOp::Set, key.as_ref(), value.as_ref(), ms(ttl))
            .await
            .map(drop)
    }

    /// Sets a missing key that does not expire. Returns `false` if the key was there already.
    pub async fn add(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.ask(DictOp::Add, key.as_ref(), value.as_ref(), 0)
            .await
            .map(|stored| stored.is_some())
    }

    /// Like [`add`](Self::add), for a key that expires after `ttl` (whole milliseconds, at least one): a lock, for
    /// example.
    pub async fn add_for(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> Result<bool, Error> {
        self.ask(DictOp::Add, key.as_ref(), value.as_ref(), ms(ttl))
            .await
            .map(|stored| stored.is_some())
    }

    /// Adds to the number of a key and returns the sum. A missing key counts from 0.
    pub async fn incr(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.count(key.as_ref(), by, 0).await
    }

    /// Like [`incr`](Self::incr), for a key that expires `ttl` after its first increment (whole milliseconds, at least
    /// one): the requests of a minute, for example.
    pub async fn incr_for(
        &self,
        key: impl AsRef<[u8]>,
        by: i64,
        ttl: Duration,
    ) -> Result<i64, Error> {
        self.count(key.as_ref(), by, ms(ttl)).await
    }

    async fn count(&self, key: &[u8], by: i64, ttl_ms: u64) -> Result<i64, Error> {
        let by = by.to_string();
        let sum = self.ask(DictOp::Incr, key, by.as_bytes(), ttl_ms).await?;
        let text = String::from_utf8_lossy(sum.as_deref().unwrap_or_default());
        text.parse()
            .map_err(|_| Error::msg(format!("the dict's value \"{text}\" is not a whole number")))
    }

    /// Deletes a key. A missing key is not an error.
    pub async fn delete(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.ask(DictOp::Delete, key.as_ref(), b"", 0)
            .await
            .map(drop)
    }

    fn ask(
        &self,
        op: DictOp,
        key: &[u8],
        value: &[u8],
        ttl_ms: u64,
    ) -> impl Future<Output = Result<Option<Body>, Error>> + Send + use<> {
        let answer = self.queue.upgrade().and_then(|queue| {
            let (id, answer) = queue.questions.ask()?;
            queue.send_dict(id, op, self.name.as_bytes(), key, value, ttl_ms);
            Some(answer)
        });
        async {
            match answer {
                Some(answer) => answer.await.unwrap_or_else(|_| Err(unloaded())),
                None => Err(unloaded()),
            }
        }
    }
}

fn ms(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn unloaded() -> Error {
    Error::new(
        code::UNLOADED,
        "the shared dict is gone: the runtime has been unloaded",
    )
}
