//! Questions to the host that wait for an answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

type Open<T> = HashMap<u64, oneshot::Sender<T>>;

/// The open questions by their numbers; `None` once no more answers come.
#[derive(Debug)]
pub(crate) struct Questions<T> {
    next: AtomicU64,
    open: Mutex<Option<Open<T>>>,
}

impl<T> Default for Questions<T> {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(1),
            open: Mutex::new(Some(Open::new())),
        }
    }
}

impl<T> Questions<T> {
    /// Opens a question: its number, and where the answer arrives. `None` after [`give_up`](Self::give_up).
    pub(crate) fn ask(&self) -> Option<(u64, oneshot::Receiver<T>)> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.open().as_mut()?.insert(id, sender);
        Some((id, receiver))
    }

    pub(crate) fn answer(&self, id: u64, answer: T) {
        let sender = self.open().as_mut().and_then(|open| open.remove(&id));
        if let Some(sender) = sender {
            // A handler that no longer waits has dropped its end, and the answer is dropped here.
            let _ = sender.send(answer);
        }
    }

    /// Fails the open questions and all later ones.
    pub(crate) fn give_up(&self) {
        self.open().take();
    }

    fn open(&self) -> MutexGuard<'_, Option<Open<T>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn still_open<T>(questions: &Questions<T>) -> usize {
        questions.open().as_ref().map_or(0, Open::len)
    }

    #[test]
    fn answers_find_their_question() {
        let questions = Questions::default();
        let (a, mut first) = questions.ask().unwrap();
        let (b, mut second) = questions.ask().unwrap();
        questions.answer(b, "b");
        assert!(first.try_recv().is_err());
        assert_eq!(second.try_recv(), Ok("b"));
        questions.answer(a, "a");
        assert_eq!(first.try_recv(), Ok("a"));
        assert_eq!(still_open(&questions), 0);
    }

    #[test]
    fn an_answer_that_nobody_waits_for_is_dropped() {
        let questions = Questions::default();
        let (id, receiver) = questions.ask().unwrap();
        drop(receiver);
        questions.answer(id, ());
        questions.answer(99, ());
        assert_eq!(still_open(&questions), 0);
    }

    #[test]
    fn after_giving_up_nothing_waits_for_ever() {
        let questions = Questions::<()>::default();
        let (_, mut receiver) = questions.ask().unwrap();
        questions.give_up();
        assert_eq!(
            receiver.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        );
        assert!(questions.ask().is_none());
    }
}
