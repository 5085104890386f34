//! Threads for work that would block the thread that serves all calls.

use std::mem;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use resty_ffi::Error;
use tokio::sync::oneshot;

/// Each task has a thread of its own. Dropping this waits for the threads, so that none outlives the runtime.
#[derive(Default)]
pub struct Threads(Mutex<Vec<JoinHandle<()>>>);

impl Threads {
    /// Starts a task. If the caller no longer waits, the task's thread drops the result.
    pub fn run<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<oneshot::Receiver<T>, Error> {
        let (done, result) = oneshot::channel();
        let thread = Builder::new().name("kafka".to_owned()).spawn(move || {
            let _ = done.send(task());
        })?;
        let mut threads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
        Ok(result)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let threads = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in mem::take(threads) {
            // A panic of the thread has been logged.
            let _ = thread.join();
        }
    }
}
