use bytes::Bytes;

use crate::{Body, Error};

/// The result of a call.
pub(crate) type Outcome = Result<Answer, Error>;

/// The payload of an answer, as [`IntoAnswer`] makes it.
#[must_use = "an answer reaches the caller when the handler returns it"]
#[derive(Debug)]
pub struct Answer(pub(crate) Payload);

#[derive(Debug)]
pub(crate) enum Payload {
    Nil,
    Body(Body),
    Vec(Vec<u8>),
    Bytes(Bytes),
    Static(&'static [u8]),
}

impl Answer {
    /// No payload: Lua sees `nil`, not an empty string.
    pub const NIL: Self = Self(Payload::Nil);

    /// The bytes of the answer; `None` for nil.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Payload::Nil => None,
            Payload::Body(body) => Some(body),
            Payload::Vec(bytes) => Some(bytes),
            Payload::Bytes(bytes) => Some(bytes),
            Payload::Static(bytes) => Some(bytes),
        }
    }
}

/// The types that a handler may return.
///
/// | returned | Lua sees |
/// |---|---|
/// | `Vec<u8>`, [`Bytes`], `String`, `&'static str`, `&'static [u8]` | these bytes (copied once) |
/// | [`Body`] | these bytes (moved, not copied) |
/// | `()`, `None` | `nil` |
/// | `Some(x)`, `Ok(x)` | `x` |
/// | `Err(e)`, where `e` is an [`Error`] or converts into one | `false, code, message` |
/// | `Json(x)` (feature `json`) | `x` as JSON |
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an answer",
    label = "no bytes, text, nil, or result of these",
    note = "answer bytes (`Vec<u8>`, `Bytes`, `Body`), text (`String`, `&'static str`), `()`, an `Option` or a `Result`; \
            `Json(value)` answers whatever serde serializes"
)]
pub trait IntoAnswer {
    /// Converts the value into an answer. An error fails the call.
    fn into_answer(self) -> Result<Answer, Error>;
}

macro_rules! answers {
    ($($from:ty, $value:ident => $payload:expr;)*) => {$(
        impl IntoAnswer for $from {
            fn into_answer(self) -> Result<Answer, Error> {
                let $value = self;
                Ok(Answer($payload))
            }
        }
    )*};
}

answers! {
    (), _nothing => Payload::Nil;
    Body, body => Payload::Body(body);
    Vec<u8>, bytes => Payload::Vec(bytes);
    String, text => Payload::Vec(text.into_bytes());
    Bytes, bytes => Payload::Bytes(bytes);
    &'static str, text => Payload::Static(text.as_bytes());
    &'static [u8], bytes => Payload::Static(bytes);
}

impl IntoAnswer for Answer {
    fn into_answer(self) -> Result<Answer, Error> {
        Ok(self)
    }
}

impl<T: IntoAnswer> IntoAnswer for Option<T> {
    fn into_answer(self) -> Result<Answer, Error> {
        self.map_or(Ok(Answer::NIL), T::into_answer)
    }
}

impl<T: IntoAnswer, E: Into<Error>> IntoAnswer for Result<T, E> {
    fn into_answer(self) -> Result<Answer, Error> {
        self.map_err(Into::into)?.into_answer()
    }
}

/// Answers a value as JSON. Needs the feature `json` (on by default).
///
/// ```
/// use resty_ffi::{IntoAnswer, Json};
///
/// let answer = Json([1, 2, 3]).into_answer().unwrap();
/// assert_eq!(answer.as_bytes(), Some(&b"[1,2,3]"[..]));
/// ```
#[cfg(feature = "json")]
#[must_use = "an answer reaches the caller when the handler returns it"]
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

#[cfg(feature = "json")]
impl<T: serde::Serialize> IntoAnswer for Json<T> {
    fn into_answer(self) -> Result<Answer, Error> {
        Ok(Answer(Payload::Vec(serde_json::to_vec(&self.0)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code;

    #[track_caller]
    fn bytes(value: impl IntoAnswer) -> Option<Vec<u8>> {
        value.into_answer().unwrap().as_bytes().map(<[u8]>::to_vec)
    }

    #[test]
    fn nil_is_not_empty() {
        assert_eq!(bytes(()), None);
        assert_eq!(bytes(None::<String>), None);
        assert_eq!(bytes(String::new()), Some(vec![]));
        assert_eq!(bytes(Some("")), Some(vec![]));
    }

    #[test]
    fn every_kind_of_bytes_is_an_answer() {
        for answer in [
            bytes(vec![97, 0, 98]),
            bytes(Bytes::from_static(b"a\0b")),
            bytes(String::from("a\0b")),
            bytes("a\0b"),
            bytes(&b"a\0b"[..]),
            bytes(Ok::<_, Error>("a\0b")),
        ] {
            assert_eq!(answer.unwrap(), b"a\0b");
        }
    }

    #[test]
    fn errors_keep_their_code() {
        let own: Result<(), Error> = Err(Error::new(7, "seven"));
        assert_eq!(own.into_answer().unwrap_err().code(), 7);
        let foreign: Result<(), std::fmt::Error> = Err(std::fmt::Error);
        assert_eq!(foreign.into_answer().unwrap_err().code(), code::THREW);
    }
}
