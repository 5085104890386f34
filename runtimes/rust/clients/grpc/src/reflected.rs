//! The answers so far of the reflection of a connection's server.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::descriptor::File;
use crate::question::Question;

/// The most answers that are kept: a server can name types without end.
const MAX_KNOWN: usize = 1000;

#[derive(Debug, Default)]
pub struct Reflected {
    known: Mutex<Known>,
    /// Changes whenever the known files do; 0 while no file is known.
    version: AtomicU64,
    /// Held by the call that asks the server, while others wait for the same answer.
    pub asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// The files that answer each question, with all their imports.
    sets: Vec<(Question, Arc<Vec<File>>)>,
    /// Questions that the server cannot answer, or not in time.
    unknown: HashSet<Question>,
}

impl Reflected {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn has(&self, question: &Question) -> bool {
        let known = self.known();
        known.sets.iter().any(|(asked, _)| asked == question)
    }

    pub fn add(&self, question: Question, files: Vec<File>) {
        self.known().sets.push((question, Arc::new(files)));
        self.changed();
    }

    /// Whether the server may know the answer and there is room for it.
    pub fn is_worth_asking(&self, question: &Question) -> bool {
        let known = self.known();
        let is_full = known.sets.len() + known.unknown.len() >= MAX_KNOWN;
        !is_full && !known.unknown.contains(question)
    }

    /// Notes that the server cannot answer, or not in time.
    pub fn add_unknown(&self, question: Question) {
        self.known().unknown.insert(question);
    }

    fn changed(&self) {
        self.version.fetch_add(1, Ordering::Release);
    }

    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    pub fn sets(&self) -> Vec<Arc<Vec<File>>> {
        let known = self.known();
        known.sets.iter().map(|(_, files)| files.clone()).collect()
    }

    pub fn forget_all(&self) {
        let known = std::mem::take(&mut *self.known());
        if !known.sets.is_empty() {
            self.changed();
        }
    }

    pub fn forget(&self, service: &str) {
        let question = Question::FileContainingSymbol(service.to_owned());
        self.known().sets.retain(|(asked, _)| *asked != question);
        self.changed();
    }
}
