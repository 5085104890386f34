//! The threads of a runtime, and what they log to.

use std::cell::RefCell;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::runtime::Builder;
use tracing_core::LevelFilter;
use tracing_core::dispatcher::{self, DefaultGuard, Dispatch};
use tracing_subscriber::layer::SubscriberExt;

use crate::LogLayer;
use crate::host::Queue;

pub(crate) const NAME: &str = "ffi-rust";

/// The subscriber of the runtime's threads.
#[derive(Clone)]
pub(crate) struct Log(Arc<RwLock<Dispatch>>);

thread_local! {
    static ENTERED: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
}

/// Whether this thread belongs to a runtime, and so logs to its subscriber.
pub(crate) fn logs_here() -> bool {
    let entered = ENTERED.try_with(|guard| guard.try_borrow().is_ok_and(|guard| guard.is_some()));
    entered.unwrap_or(false)
}

pub(crate) fn to_host(queue: &Arc<Queue>, level: LevelFilter) -> Dispatch {
    let host = LogLayer::new(queue);
    Dispatch::new(tracing_subscriber::registry().with(level).with(host))
}

impl Log {
    /// Logs to the host until the author's router says otherwise.
    pub(crate) fn new(queue: &Arc<Queue>) -> Self {
        Self(Arc::new(RwLock::new(to_host(queue, LevelFilter::INFO))))
    }

    pub(crate) fn set(&self, dispatch: Dispatch) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = dispatch;
        self.enter();
    }

    /// Makes this thread log to the subscriber.
    pub(crate) fn enter(&self) {
        let dispatch = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // Leaves the previous subscriber first: a guard restores the one that it found.
        self.leave();
        ENTERED.set(Some(dispatcher::set_default(&dispatch)));
    }

    pub(crate) fn leave(&self) {
        drop(ENTERED.take());
    }

    /// A builder of tokio runtimes whose threads log to the subscriber.
    pub(crate) fn builder(&self, mut builder: Builder) -> Builder {
        let (start, stop) = (self.clone(), self.clone());
        builder
            .enable_all()
            .thread_name(NAME)
            .on_thread_start(move || start.enter())
            .on_thread_stop(move || stop.leave());
        builder
    }
}
