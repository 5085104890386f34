use std::any::Any;
use std::fmt;

/// The host's own codes, the same in every host and every language. Codes above zero belong to the runtime's author.
pub mod code {
    /// No answer before the deadline.
    pub const TIMEOUT: i32 = -1;
    /// The caller went away, or the handler ended because it was cancelled.
    pub const CANCELLED: i32 = -2;
    /// The queue is full of waiting calls, or the payload memory is used up.
    pub const QUEUE_FULL: i32 = -3;
    /// A payload is above the limit.
    pub const TOO_LARGE: i32 = -4;
    /// The runtime serves no method of this name.
    pub const NO_METHOD: i32 = -5;
    /// The handler panicked, or failed without a code of its own.
    pub const THREW: i32 = -6;
    /// The runtime's process ended.
    pub const EXITED: i32 = -7;
    /// The runtime has been unloaded.
    pub const UNLOADED: i32 = -8;
    /// The call was made where the host cannot wait.
    pub const BAD_PHASE: i32 = -9;
    /// The host cannot accept an argument.
    pub const BAD_ARGUMENT: i32 = -10;
}

/// Why a call or the set-up of a runtime failed: a code and a message, which reach Lua unchanged.
///
/// Every [`std::error::Error`] converts into an `Error` with the code [`code::THREW`] and its `Display` text, so `?`
/// works in handlers. For that reason `Error` is not a `std::error::Error` itself.
///
/// ```
/// use resty_ffi::{Error, code};
///
/// fn port(text: &str) -> Result<u16, Error> {
///     let port = text.parse()?;
///     if port < 1024 {
///         return Err(Error::new(403, format!("port {port} is reserved")));
///     }
///     Ok(port)
/// }
///
/// assert_eq!(port("80").unwrap_err().code(), 403);
/// assert_eq!(port("http").unwrap_err().code(), code::THREW);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    code: i32,
    message: String,
}

impl Error {
    /// An error with a code of your own, above zero. The code 0 would mean success and becomes [`code::THREW`].
    #[must_use]
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self {
            code: if code == 0 { code::THREW } else { code },
            message: message.into(),
        }
    }

    /// An error with the code [`code::THREW`].
    #[must_use]
    pub fn msg(message: impl Into<String>) -> Self {
        Self::new(code::THREW, message)
    }

    /// An error with the message of a panic that `catch_unwind` caught.
    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        let text = match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => match payload.downcast::<&str>() {
                Ok(text) => (*text).to_owned(),
                Err(_) => "the handler panicked with a value that is not text".to_owned(),
            },
        };
        Self::msg(text)
    }

    /// The code, which is never 0.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn into_message(self) -> String {
        self.message
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self::msg(error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (code {})", self.message, self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn zero_is_no_code_for_an_error() {
        assert_eq!(Error::new(0, "x").code(), code::THREW);
        assert_eq!(Error::new(7, "x").code(), 7);
    }

    #[test]
    fn any_error_converts_with_its_display_text() {
        let error: Error = "x".parse::<u8>().unwrap_err().into();
        assert_eq!(error.code(), code::THREW);
        assert_eq!(error.message(), "invalid digit found in string");
    }

    #[test]
    fn a_panic_gives_its_message() {
        let plain = catch_unwind(|| panic!("plain")).unwrap_err();
        assert_eq!(Error::panicked(plain).message(), "plain");
        let formatted = catch_unwind(|| panic!("number {}", 7)).unwrap_err();
        assert_eq!(Error::panicked(formatted).message(), "number 7");
        let odd = catch_unwind(|| std::panic::panic_any(7)).unwrap_err();
        assert!(Error::panicked(odd).message().contains("not text"));
    }
}
