//! Errors of calls. The code is that of Kafka's protocol, above 0, or `CLIENT`.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use resty_ffi::Error;

/// The code of errors of the client library itself.
const CLIENT: i32 = 1000;

pub fn failed(error: KafkaError) -> Error {
    match error {
        // Arguments that the library refuses.
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
        // Errors of the library for which Kafka has a code.
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
