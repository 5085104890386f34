use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::host::{Body, DictOp, Queue};
use crate::{Error, code};

/// The host's shared dict: what nginx calls a `lua_shared_dict`.
///
/// Every operation is a message to the host and one back, so it is awaited; a [`blocking`](crate::blocking) handler
/// waits with `tokio::runtime::Handle::current().block_on(…)`. Cheap to clone, usable from any thread and any task;
/// dropping the future of an operation that is under way does not undo it.
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
/// Every operation fails with the host's code and text: no dict is configured or not this one, it is full, the value is no number; and
/// with [`code::UNLOADED`] once the runtime is unloaded.
#[derive(Clone, Debug)]
pub struct Dict {
    queue: Weak<Queue>,
    /// Empty: the first that the host allows.
    name: Arc<str>,
}

impl Dict {
    pub(crate) fn new(queue: &Arc<Queue>) -> Self {
        Self {
            queue: Arc::downgrade(queue),
            name: Arc::default(),
        }
    }

    /// The dict of this name, which has to be one of those that the runtime may use: the option `dicts` of
    /// `ngx.load_ffi`. Without a name it is the first of them.
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

    /// The value of a key; `None` if there is none.
    pub async fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Body>, Error> {
        self.ask(DictOp::Get, key.as_ref(), b"", 0).await
    }

    /// Sets a key, for ever.
    pub async fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Error> {
        self.ask(DictOp::Set, key.as_ref(), value.as_ref(), 0)
            .await
            .map(drop)
    }

    /// Sets a key that goes away after `ttl`, in whole milliseconds, at least one.
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

    /// Sets a key, for ever, unless it is there already; whether it did.
    pub async fn add(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool, Error> {
        self.ask(DictOp::Add, key.as_ref(), value.as_ref(), 0)
            .await
            .map(|stored| stored.is_some())
    }

    /// [`add`](Self::add) of a key that goes away after `ttl`, in whole milliseconds, at least one: a lock, for example.
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

    /// Adds to the number of a key, which counts from 0 if there is none, and returns the sum.
    pub async fn incr(&self, key: impl AsRef<[u8]>, by: i64) -> Result<i64, Error> {
        self.count(key.as_ref(), by, 0).await
    }

    /// [`incr`](Self::incr) of a key that goes away `ttl` after its first time, in whole milliseconds, at least one: a
    /// count of requests in a minute, for example.
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

    /// Deletes a key, if it is there.
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
