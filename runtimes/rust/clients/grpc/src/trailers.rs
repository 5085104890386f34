//! The status that a server ends a call with: `grpc-status`, the message and the details.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::HeaderMap;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

pub const STATUS: &str = "grpc-status";
pub const MESSAGE: &str = "grpc-message";
pub const DETAILS: &str = "grpc-status-details-bin";

/// Servers write base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// The trailers of a successful call, without the fields that tonic would decode; or the status of a failed call. The
/// trailers must have a `grpc-status`.
pub fn end(mut trailers: HeaderMap, server: &str) -> Result<HeaderMap, Status> {
    let code = code(&trailers);
    let last = trailers.get_all(MESSAGE).iter().next_back();
    let message = last.map_or_else(String::new, |text| percent_decoded(text.as_bytes()));
    let details = details(&trailers);
    trailers.remove(MESSAGE);
    trailers.remove(DETAILS);
    let (code, message) = match code {
        Ok(Code::Ok) => return Ok(trailers),
        Ok(code) => (code, message),
        Err(wrong) if message.is_empty() => (Code::Unknown, format!("{server}: {wrong}")),
        Err(wrong) => (Code::Unknown, format!("{server}: {wrong}: {message}")),
    };
    trailers.remove(STATUS);
    let metadata = MetadataMap::from_headers(trailers);
    Err(Status::with_details_and_metadata(
        code, message, details, metadata,
    ))
}

/// The code, or why it is invalid.
fn code(trailers: &HeaderMap) -> Result<Code, String> {
    let mut values = trailers.get_all(STATUS).iter();
    let first = values.next().map_or(&[][..], |value| value.as_bytes());
    if let Some(other) = values.find(|value| value.as_bytes() != first) {
        return Err(format!(
            "the server sent {STATUS} twice, \"{}\" and \"{}\"",
            first.escape_ascii(),
            other.as_bytes().escape_ascii()
        ));
    }
    let digits = Some(first).filter(|text| text.iter().all(u8::is_ascii_digit));
    let number = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    match number {
        // tonic would turn every other number into Unknown.
        Some(number @ 0..=16) => Ok(Code::from_i32(number)),
        _ => Err(format!(
            "the server's {STATUS} is \"{}\", which is not a gRPC code (0 to 16)",
            first.escape_ascii()
        )),
    }
}

/// The value of `grpc-status-details-bin`. Invalid or repeated details are ignored, the status is not.
fn details(trailers: &HeaderMap) -> Bytes {
    let mut values = trailers.get_all(DETAILS).iter();
    match (values.next(), values.next()) {
        (Some(text), None) => base64(text.as_bytes()).unwrap_or_default().into(),
        _ => Bytes::new(),
    }
}

/// Invalid escapes stay as they are, so that a wrongly encoded message is still shown.
fn percent_decoded(text: &[u8]) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => digit(high).zip(digit(low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push((high << 4 | low) as u8);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn failed(pairs: &[(&'static str, &'static str)]) -> Status {
        end(headers(pairs), "a:1").unwrap_err()
    }

    #[test]
    fn zero_is_success_and_leaves_the_metadata() {
        let trailers = end(
            headers(&[(STATUS, "0"), ("x-a", "b"), (DETAILS, "!")]),
            "a:1",
        )
        .unwrap();
        assert_eq!(trailers, headers(&[(STATUS, "0"), ("x-a", "b")]));
        assert!(end(headers(&[(STATUS, "0"), (STATUS, "0")]), "a:1").is_ok());
    }

    #[test]
    fn a_failure_has_its_code_its_text_and_its_details() {
        let status = failed(&[
            (STATUS, "5"),
            (MESSAGE, "no%20such%0Athing"),
            (DETAILS, "AP8="),
            ("x-a", "b"),
        ]);
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message(), "no such\nthing");
        assert_eq!(status.details(), [0, 255]);
        assert_eq!(
            status.metadata().clone().into_headers(),
            headers(&[("x-a", "b")])
        );
    }

    #[test]
    fn details_come_with_padding_or_without_and_never_instead_of_the_status() {
        for (text, bytes) in [
            ("AP8", &[0, 255][..]),
            ("AP8=", &[0, 255]),
            ("!", &[]),
            ("", &[]),
        ] {
            let status = failed(&[(STATUS, "5"), (DETAILS, text)]);
            assert_eq!((status.code(), status.details()), (Code::NotFound, bytes));
        }
        assert!(
            failed(&[(STATUS, "5"), (DETAILS, "AA"), (DETAILS, "AA")])
                .details()
                .is_empty()
        );
    }

    #[test]
    fn a_code_that_is_none_is_unknown_and_says_what_came() {
        for text in ["", "x", "-1", "+5", "17", "99999999999", "5 ", "0,0", "0x5"] {
            let status = failed(&[(STATUS, text)]);
            assert_eq!(status.code(), Code::Unknown, "{text}");
            assert_eq!(
                status.message(),
                format!(
                    "a:1: the server's grpc-status is \"{text}\", which is not a gRPC code (0 to 16)"
                )
            );
        }
        assert_eq!(
            failed(&[(STATUS, "99"), (MESSAGE, "why")]).message(),
            "a:1: the server's grpc-status is \"99\", which is not a gRPC code (0 to 16): why"
        );
        assert_eq!(
            failed(&[(STATUS, "0"), (STATUS, "5")]).message(),
            "a:1: the server sent grpc-status twice, \"0\" and \"5\""
        );
    }

    #[test]
    fn a_text_that_is_encoded_wrongly_is_shown() {
        for (text, shown) in [
            ("100%", "100%"),
            ("%4", "%4"),
            ("%zz%41", "%zzA"),
            ("%%41", "%A"),
            ("%C3%A9", "é"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(percent_decoded(text.as_bytes()), shown);
        }
    }
}
