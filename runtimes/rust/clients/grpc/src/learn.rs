//! Asks the server of a connection for services and types, once for all calls that need them.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tonic::Status;

use crate::connection::Connection;
use crate::question::Question;
use crate::reflection::files;

/// The longest wait for types that a message can do without.
const PATIENCE: Duration = Duration::from_secs(1);

/// Learns a service with the types of its methods.
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
    let files = files(connection, question.clone(), wait).await?;
    reflected.add(question, files);
    Ok(())
}

/// Learns the missing types and extensions of a message. Returns whether there is anything new.
pub async fn learn(connection: &Arc<Connection>, missing: Vec<Question>) -> bool {
    let mut learned = false;
    let deadline = Instant::now() + PATIENCE;
    for question in missing {
        if !connection.reflected.is_worth_asking(&question) {
            continue;
        }
        let asked = ask(connection, question.clone(), false);
        match tokio::time::timeout_at(deadline, asked).await {
            Ok(Ok(())) => learned = true,
            _ => connection.reflected.add_unknown(question),
        }
    }
    learned
}
