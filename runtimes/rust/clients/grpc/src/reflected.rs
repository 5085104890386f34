//! What the reflection of a connection's server has said so far.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use crate::connection::Connection;
use crate::descriptor::File;
use crate::reflection::{Question, files};

/// A server can name types without end.
const MAX_LEARNED: usize = 1000;

/// For types that a message could do without, nobody waits longer.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Reflected {
    known: Mutex<Known>,
    /// Another one for each change of what is known; 0 if nothing ever was.
    version: AtomicU64,
    /// Held by who asks: the others wait for the same answer.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    /// The files of what was asked for, each with all that they import.
    sets: Vec<(Question, Arc<Vec<File>>)>,
    /// What the server does not have, or not in time.
    unknown: HashSet<Question>,
}

impl Reflected {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, question: &Question) -> bool {
        let known = self.known();
        known.sets.iter().any(|(asked, _)| asked == question)
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

/// Makes known a service with the types that its methods take and give.
pub async fn service(connection: &Arc<Connection>, name: &str, wait: bool) -> Result<(), Status> {
    ask(
        connection,
        Question::FileContainingSymbol(name.to_owned()),
        wait,
    )
    .await
}

async fn ask(connection: &Arc<Connection>, question: Question, wait: bool) -> Result<(), Status> {
    let reflected = &connection.reflected;
    if reflected.has(&question) {
        return Ok(());
    }
    let _asking = reflected.asking.lock().await;
    if reflected.has(&question) {
        return Ok(());
    }
    let files = Arc::new(files(connection, question.clone(), wait).await?);
    reflected.known().sets.push((question, files));
    reflected.changed();
    Ok(())
}

/// Makes known what a message has of types and extensions that are not. Whether there is anything new.
pub async fn learn(connection: &Arc<Connection>, missing: Vec<Question>) -> bool {
    let mut learned = false;
    let deadline = Instant::now() + PATIENCE;
    for question in missing {
        {
            let known = connection.reflected.known();
            let is_full = known.sets.len() + known.unknown.len() >= MAX_LEARNED;
            if is_full || known.unknown.contains(&question) {
                continue;
            }
        }
        let asked = ask(connection, question.clone(), false);
        match tokio::time::timeout_at(deadline, asked).await {
            Ok(Ok(())) => learned = true,
            _ => {
                connection.reflected.known().unknown.insert(question);
            }
        }
    }
    learned
}
