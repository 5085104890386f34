//! MessagePack, in the form of packages/lua/lib/resty/ffi/msgpack.lua.

use resty_ffi::{Error, code};

/// One value; the items of a list and the keys and values of a map follow it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    /// A number above the range of `i64`.
    Uint(u64),
    Float(f64),
    /// A Lua string: any bytes.
    Text(&'a [u8]),
    List(usize),
    Map(usize),
}

impl Value<'_> {
    /// The value's name in Lua, for messages.
    pub fn name(&self) -> &'static str {
        match self {
            Value::Nil => "ngx.null",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Uint(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a table",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[cfg(test)]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn uint(&mut self, n: usize) -> Result<u64, Error> {
        let bytes = self.take(n)?;
        Ok(bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn text(&mut self, n: u64) -> Result<Value<'a>, Error> {
        Ok(Value::Text(self.take(n as usize)?))
    }

    /// Each item takes at least one byte, so a larger count is wrong.
    fn count(&self, n: u64) -> Result<usize, Error> {
        if n > self.0.len() as u64 {
            return Err(malformed());
        }
        Ok(n as usize)
    }

    pub fn next(&mut self) -> Result<Value<'a>, Error> {
        let tag = self.take(1)?[0];
        Ok(match tag {
            0x00..=0x7f => Value::Int(tag.into()),
            0x80..=0x8f => Value::Map(self.count((tag & 15).into())?),
            0x90..=0x9f => Value::List(self.count((tag & 15).into())?),
            0xa0..=0xbf => self.text((tag & 31).into())?,
            0xc0 => Value::Nil,
            0xc2 | 0xc3 => Value::Bool(tag == 0xc3),
            0xc4..=0xc6 => {
                let n = self.uint(1 << (tag - 0xc4))?;
                self.text(n)?
            }
            0xca => Value::Float(f32::from_bits(self.uint(4)? as u32).into()),
            0xcb => Value::Float(f64::from_bits(self.uint(8)?)),
            0xcc..=0xcf => {
                let n = self.uint(1 << (tag - 0xcc))?;
                i64::try_from(n).map_or(Value::Uint(n), Value::Int)
            }
            0xd0 => Value::Int((self.uint(1)? as i8).into()),
            0xd1 => Value::Int((self.uint(2)? as i16).into()),
            0xd2 => Value::Int((self.uint(4)? as i32).into()),
            0xd3 => Value::Int(self.uint(8)? as i64),
            0xd9..=0xdb => {
                let n = self.uint(1 << (tag - 0xd9))?;
                self.text(n)?
            }
            0xdc | 0xdd => {
                let n = self.uint(2 << (tag - 0xdc))?;
                Value::List(self.count(n)?)
            }
            0xde | 0xdf => {
                let n = self.uint(2 << (tag - 0xde))?;
                Value::Map(self.count(n)?)
            }
            0xe0..=0xff => Value::Int((tag as i8).into()),
            _ => return Err(malformed()),
        })
    }

    /// Skips one value with everything inside it.
    pub fn skip(&mut self) -> Result<(), Error> {
        let mut left = 1;
        while left > 0 {
            left -= 1;
            left += match self.next()? {
                Value::List(n) => n,
                Value::Map(n) => 2 * n,
                _ => 0,
            };
        }
        Ok(())
    }

    /// The encoded bytes of the next value.
    pub fn raw(&mut self) -> Result<&'a [u8], Error> {
        let before = self.0;
        self.skip()?;
        Ok(&before[..before.len() - self.0.len()])
    }

    /// Reads the start of a list and returns its length. nil counts as an empty list; any other value is an error.
    pub fn list(&mut self) -> Result<usize, Error> {
        match self.next()? {
            Value::List(n) => Ok(n),
            Value::Nil | Value::Map(0) => Ok(0),
            _ => Err(malformed()),
        }
    }

    /// The same for a map.
    pub fn map(&mut self) -> Result<usize, Error> {
        match self.next()? {
            Value::Map(n) => Ok(n),
            Value::Nil | Value::List(0) => Ok(0),
            _ => Err(malformed()),
        }
    }

    pub fn bytes(&mut self) -> Result<&'a [u8], Error> {
        match self.next()? {
            Value::Text(text) => Ok(text),
            _ => Err(malformed()),
        }
    }

    pub fn string(&mut self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes()?).map_err(|_| malformed())
    }

    pub fn number(&mut self) -> Result<f64, Error> {
        match self.next()? {
            Value::Int(n) => Ok(n as f64),
            Value::Float(n) => Ok(n),
            _ => Err(malformed()),
        }
    }

    pub fn boolean(&mut self) -> Result<bool, Error> {
        match self.next()? {
            Value::Bool(value) => Ok(value),
            _ => Err(malformed()),
        }
    }
}

/// The error for a request that resty.ffi.grpc never sends; only direct callers of the runtime see it.
pub fn malformed() -> Error {
    Error::new(
        code::BAD_ARGUMENT,
        "the request is not what resty.ffi.grpc of the same version sends: both have to be updated together",
    )
}

pub fn put_nil(out: &mut Vec<u8>) {
    out.push(0xc0);
}

/// A null that is a value: nil would remove the entry of a Lua table.
pub fn put_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xd4, 0, 0]);
}

pub fn put_bool(out: &mut Vec<u8>, value: bool) {
    out.push(0xc2 + u8::from(value));
}

pub fn put_int(out: &mut Vec<u8>, value: i64) {
    match value {
        0.. => put_uint(out, value as u64),
        -32..0 => out.push(value as u8),
        -0x8000_0000..-32 => {
            out.push(0xd2);
            out.extend_from_slice(&(value as i32).to_be_bytes());
        }
        _ => {
            out.push(0xd3);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

pub fn put_uint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..0x80 => out.push(value as u8),
        0x80..0x100 => out.extend_from_slice(&[0xcc, value as u8]),
        0x100..0x1_0000 => {
            out.push(0xcd);
            out.extend_from_slice(&(value as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            out.push(0xce);
            out.extend_from_slice(&(value as u32).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&value.to_be_bytes());
        }
    }
}

pub fn put_float(out: &mut Vec<u8>, value: f64) {
    out.push(0xcb);
    out.extend_from_slice(&value.to_be_bytes());
}

fn put_size(out: &mut Vec<u8>, n: usize, small: u8, limit: usize, tag16: u8) {
    if n < limit {
        out.push(small + n as u8);
    } else if let Ok(n) = u16::try_from(n) {
        out.push(tag16);
        out.extend_from_slice(&n.to_be_bytes());
    } else {
        out.push(tag16 + 1);
        out.extend_from_slice(&(n as u32).to_be_bytes());
    }
}

pub fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        n @ 32..256 => out.extend_from_slice(&[0xd9, n as u8]),
        n => put_size(out, n, 0xa0, 32, 0xda),
    }
    out.extend_from_slice(text);
}

pub fn put_list(out: &mut Vec<u8>, n: usize) {
    put_size(out, n, 0x90, 16, 0xdc);
}

pub fn put_map(out: &mut Vec<u8>, n: usize) {
    put_size(out, n, 0x80, 16, 0xde);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_read() {
        let mut out = Vec::new();
        let ints = [
            0,
            127,
            128,
            255,
            256,
            65535,
            65536,
            i64::MAX,
            -1,
            -32,
            -33,
            i64::MIN,
        ];
        for n in ints {
            put_int(&mut out, n);
        }
        put_uint(&mut out, u64::MAX);
        put_float(&mut out, 1.5);
        put_text(&mut out, &[b'x'; 31]);
        put_text(&mut out, &[b'x'; 255]);
        put_text(&mut out, &[b'x'; 70_000]);
        let mut reader = Reader::new(&out);
        for n in ints {
            assert_eq!(reader.next().unwrap(), Value::Int(n));
        }
        assert_eq!(reader.next().unwrap(), Value::Uint(u64::MAX));
        assert_eq!(reader.next().unwrap(), Value::Float(1.5));
        for n in [31, 255, 70_000] {
            assert_eq!(reader.bytes().unwrap().len(), n);
        }
        assert!(reader.next().is_err());
    }

    #[test]
    fn a_raw_value_has_all_that_is_in_it() {
        let mut out = Vec::new();
        put_map(&mut out, 1);
        put_text(&mut out, b"a");
        put_list(&mut out, 2);
        put_nil(&mut out);
        put_bool(&mut out, true);
        let end = out.len();
        put_int(&mut out, 7);
        let mut reader = Reader::new(&out);
        assert_eq!(reader.raw().unwrap(), &out[..end]);
        assert_eq!(reader.next().unwrap(), Value::Int(7));
        assert!(reader.next().is_err());
    }

    #[test]
    fn a_count_is_no_more_than_what_follows() {
        for bytes in [
            &[0x92, 0][..],
            &[0x82, 0],
            &[0xa2, 0],
            &[0xc4, 2, 0],
            &[0xc6, 255, 255, 255, 255, 0],
            &[0xdb, 255, 255, 255, 255, 0],
            &[0xdd, 255, 255, 255, 255, 0],
            &[0xdf, 255, 255, 255, 255, 0],
        ] {
            assert!(Reader::new(bytes).next().is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_cut_off_is_malformed() {
        let mut out = Vec::new();
        put_map(&mut out, 2);
        put_text(&mut out, &[b'k'; 40]);
        put_list(&mut out, 20);
        for n in 0..20 {
            put_int(&mut out, -1 << (2 * n));
        }
        put_text(&mut out, b"x");
        put_float(&mut out, 0.5);
        for end in 0..out.len() {
            assert!(Reader::new(&out[..end]).skip().is_err());
            assert!(Reader::new(&out[..end]).raw().is_err());
        }
        assert!(Reader::new(&out).skip().is_ok());
    }

    #[test]
    fn every_tag_is_read_or_refused() {
        for tag in 0..=255 {
            let bytes = [tag, 0, 0, 0, 0, 0, 0, 0, 0];
            let known = !matches!(tag, 0xc1 | 0xc7..=0xc9 | 0xd4..=0xd8);
            let long = (0xa9..0xc0).contains(&tag)
                || (0x89..0x90).contains(&tag)
                || (0x99..0xa0).contains(&tag);
            assert_eq!(
                Reader::new(&bytes).next().is_ok(),
                known && !long,
                "{tag:x}"
            );
        }
    }

    #[test]
    fn nesting_has_no_limit_for_what_is_passed_over() {
        let mut deep = vec![0x91; 1_000_000];
        deep.push(0xc0);
        assert_eq!(Reader::new(&deep).raw().unwrap().len(), deep.len());
        deep.pop();
        assert!(Reader::new(&deep).skip().is_err());
    }
}
