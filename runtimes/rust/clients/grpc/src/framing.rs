//! Follows the messages of an answer as the bytes arrive: tonic accepts an answer that ends within a message, and
//! allocates whatever length is announced.

use http::HeaderValue;
use tonic::Code;

/// The length of a message's head: a flag and a length.
const HEAD: usize = 5;

pub struct Framing {
    /// The longest message that is accepted.
    limit: usize,
    encoding: Encoding,
    head: [u8; HEAD],
    /// Of the head.
    have: usize,
    /// Of the message.
    left: usize,
}

/// The answer's `grpc-encoding`.
#[derive(Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Other(String),
}

impl Encoding {
    pub fn of(header: Option<&HeaderValue>) -> Self {
        match header.map(HeaderValue::as_bytes) {
            None | Some(b"identity") => Self::Identity,
            Some(b"gzip") => Self::Gzip,
            Some(other) => Self::Other(other.escape_ascii().to_string()),
        }
    }
}

/// An error of an answer.
pub type Fault = (Code, String);

impl Framing {
    pub fn new(encoding: Encoding, limit: usize) -> Self {
        Self {
            limit,
            encoding,
            head: [0; HEAD],
            have: 0,
            left: 0,
        }
    }

    pub fn take(&mut self, mut data: &[u8]) -> Result<(), Fault> {
        loop {
            if self.left > 0 {
                let part = self.left.min(data.len());
                self.left -= part;
                data = &data[part..];
            }
            if data.is_empty() {
                return Ok(());
            }
            if self.have == HEAD {
                self.have = 0;
            }
            let part = (HEAD - self.have).min(data.len());
            self.head[self.have..self.have + part].copy_from_slice(&data[..part]);
            self.have += part;
            data = &data[part..];
            self.flag()?;
            if self.have == HEAD {
                self.left = self.len();
                if self.left > self.limit {
                    let text = format!(
                        "the answer has {} bytes, and the limit is {} (option max_message_size)",
                        self.left, self.limit
                    );
                    return Err((Code::ResourceExhausted, text));
                }
            }
        }
    }

    fn len(&self) -> usize {
        let [_, len @ ..] = self.head;
        u32::from_be_bytes(len) as usize
    }

    fn flag(&self) -> Result<(), Fault> {
        let text = match (self.head[0], &self.encoding) {
            (0, _) | (1, Encoding::Gzip) => return Ok(()),
            (1, Encoding::Identity) => {
                "a message is marked as compressed, and no grpc-encoding says how".to_owned()
            }
            (1, Encoding::Other(name)) => {
                format!("a message is compressed by \"{name}\": this client knows gzip only")
            }
            (flag, _) => format!("a message begins with the byte {flag}, where gRPC has 0 or 1"),
        };
        Err((Code::Internal, text))
    }

    /// The answer ends here.
    pub fn end(&self) -> Result<(), Fault> {
        let text = match self.have {
            HEAD if self.left == 0 => return Ok(()),
            0 => return Ok(()),
            HEAD => {
                let len = self.len();
                format!(
                    "the answer ends within a message, after {} of its {len} bytes",
                    len - self.left
                )
            }
            _ => "the answer ends within the length of a message".to_owned(),
        };
        Err((Code::Internal, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![flag];
        bytes.extend_from_slice(&(body.len() as u32).to_be_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    /// The error for these bytes, which must not depend on how they are cut into frames.
    fn fault(encoding: fn() -> Encoding, bytes: &[u8]) -> Option<Fault> {
        let taken = |size| {
            let mut framing = Framing::new(encoding(), 10);
            let mut chunks = bytes.chunks(size);
            chunks
                .try_for_each(|chunk| framing.take(chunk))
                .and_then(|()| framing.end())
                .err()
        };
        let whole = taken(bytes.len().max(1));
        for size in 1..bytes.len() {
            assert_eq!(taken(size), whole, "in frames of {size} bytes");
        }
        whole
    }

    const IDENTITY: fn() -> Encoding = || Encoding::Identity;
    const GZIP: fn() -> Encoding = || Encoding::Gzip;
    const OTHER: fn() -> Encoding = || Encoding::of(Some(&HeaderValue::from_static("br")));

    #[test]
    fn whole_messages_are_fine() {
        let two = [message(0, b"0123456789"), message(0, b""), message(0, b"x")].concat();
        assert_eq!(fault(IDENTITY, &two), None);
        assert_eq!(fault(OTHER, &two), None);
        assert_eq!(fault(IDENTITY, b""), None);
        assert_eq!(fault(GZIP, &message(1, b"zipped")), None);
    }

    #[test]
    fn what_is_cut_off_is_said() {
        let bytes = [message(0, b"a"), message(0, b"0123456789")].concat();
        let text = |bytes: &[u8]| fault(IDENTITY, bytes).unwrap().1;
        assert_eq!(
            text(&bytes[..bytes.len() - 3]),
            "the answer ends within a message, after 7 of its 10 bytes"
        );
        assert_eq!(
            text(&bytes[..11]),
            "the answer ends within a message, after 0 of its 10 bytes"
        );
        assert_eq!(
            text(&bytes[..8]),
            "the answer ends within the length of a message"
        );
    }

    #[test]
    fn a_message_above_the_limit_is_refused_before_it_comes() {
        let (code, text) = fault(IDENTITY, &[0, 0, 0, 0, 11]).unwrap();
        assert_eq!(code, Code::ResourceExhausted);
        assert_eq!(
            text,
            "the answer has 11 bytes, and the limit is 10 (option max_message_size)"
        );
        assert!(fault(IDENTITY, &[0, 255, 255, 255, 255]).is_some());
    }

    #[test]
    fn flags_need_what_they_mean() {
        let text = |encoding, flag| fault(encoding, &message(flag, b"x")).unwrap();
        assert_eq!(
            text(IDENTITY, 1),
            (
                Code::Internal,
                "a message is marked as compressed, and no grpc-encoding says how".to_owned()
            )
        );
        assert_eq!(
            text(OTHER, 1).1,
            "a message is compressed by \"br\": this client knows gzip only"
        );
        assert_eq!(
            text(GZIP, 60).1,
            "a message begins with the byte 60, where gRPC has 0 or 1"
        );
    }
}
