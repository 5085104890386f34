//! The counters that the methods `cancelled` and `streams` answer with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Default)]
pub(crate) struct Counters {
    cancelled: AtomicU64,
    streams: AtomicU64,
}

impl Counters {
    /// Calls that were dropped before their end, as cancellation does.
    pub(crate) fn cancelled(&self) -> u64 {
        self.cancelled.load(Relaxed)
    }

    /// Streams that are running.
    pub(crate) fn streams(&self) -> u64 {
        self.streams.load(Relaxed)
    }

    /// Counts a call when it is cancelled.
    pub(crate) fn call<F: Future>(
        self: &Arc<Self>,
        call: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        // Created outside the future, which may be dropped before its first poll.
        let ending = Ending {
            counters: self.clone(),
            done: false,
        };
        async move {
            let end = call.await;
            ending.finish();
            end
        }
    }

    /// The same for a stream, which also counts while it runs.
    pub(crate) fn stream<F: Future>(
        self: &Arc<Self>,
        call: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        self.streams.fetch_add(1, Relaxed);
        let running = Running(self.clone());
        let call = self.call(call);
        async move {
            let _running = running;
            call.await
        }
    }
}

struct Ending {
    counters: Arc<Counters>,
    done: bool,
}

impl Ending {
    fn finish(mut self) {
        self.done = true;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.done {
            self.counters.cancelled.fetch_add(1, Relaxed);
        }
    }
}

struct Running(Arc<Counters>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Relaxed);
    }
}
