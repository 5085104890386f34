//! What a call ends with when it fails: the code of Kafka's protocol, above 0, or `CLIENT`.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use resty_ffi::Error;

/// What the client library says without having it from a broker.
const CLIENT: i32 = 1000;

pub fn failed(error: KafkaError) -> Error {
    match error {
        // Arguments that no broker was asked about.
        KafkaError::AdminOpCreation(what) => bad_input(what),
        KafkaError::AdminOp(code) => refused(code),
        error => match error.rdkafka_error_code() {
            Some(code) => refused(code),
            None => Error::new(CLIENT, error.to_string()),
        },
    }
}

pub fn refused(code: RDKafkaErrorCode) -> Error {
    let number = match code {
        // The client's own words for what brokers have a code for.
        RDKafkaErrorCode::UnknownTopic | RDKafkaErrorCode::UnknownPartition => {
            RDKafkaErrorCode::UnknownTopicOrPartition as i32
        }
        code if (code as i32) < 0 => CLIENT,
        code => code as i32,
    };
    Error::new(number, code.to_string())
}

pub fn bad_input(what: impl Into<String>) -> Error {
    Error::new(RDKafkaErrorCode::InvalidRequest as i32, what)
}
