//! The wire format of protobuf.

/// The value of a field in a message.
#[derive(Clone, Copy, Debug)]
pub enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
    Group(&'a [u8]),
}

pub const VARINT: u32 = 0;
pub const FIXED64: u32 = 1;
pub const BYTES: u32 = 2;
pub const GROUP: u32 = 3;
pub const END: u32 = 4;
pub const FIXED32: u32 = 5;

/// How deep nested groups are followed to find the end of a group.
const MAX_DEPTH: usize = 100;

/// The bytes are not a protobuf message.
#[derive(Debug)]
pub struct Malformed;

pub fn varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Malformed)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

pub fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Result<&'a [u8; N], Malformed> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(Malformed)?;
    *bytes = rest;
    Ok(taken)
}

/// The number and value of the next field.
pub fn field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Raw<'a>), Malformed> {
    let (number, wire_type) = tag(bytes)?;
    Ok((number, value(bytes, number, wire_type, 0)?))
}

fn tag(bytes: &mut &[u8]) -> Result<(u32, u32), Malformed> {
    match u32::try_from(varint(bytes)?) {
        Ok(tag) if tag >> 3 > 0 => Ok((tag >> 3, tag & 7)),
        _ => Err(Malformed),
    }
}

fn value<'a>(
    bytes: &mut &'a [u8],
    number: u32,
    wire_type: u32,
    depth: usize,
) -> Result<Raw<'a>, Malformed> {
    Ok(match wire_type {
        VARINT => Raw::Varint(varint(bytes)?),
        FIXED64 => Raw::Fixed64(u64::from_le_bytes(*take(bytes)?)),
        FIXED32 => Raw::Fixed32(u32::from_le_bytes(*take(bytes)?)),
        BYTES => {
            let len = usize::try_from(varint(bytes)?).map_err(|_| Malformed)?;
            let (taken, rest) = bytes.split_at_checked(len).ok_or(Malformed)?;
            *bytes = rest;
            Raw::Bytes(taken)
        }
        GROUP if depth < MAX_DEPTH => {
            let whole = *bytes;
            loop {
                let here = bytes.len();
                match tag(bytes)? {
                    (end, END) if end == number => break Raw::Group(&whole[..whole.len() - here]),
                    (_, END) => return Err(Malformed),
                    (inner, wire_type) => value(bytes, inner, wire_type, depth + 1)?,
                };
            }
        }
        _ => return Err(Malformed),
    })
}

pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn put_tag(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    put_varint(out, u64::from(number) << 3 | u64::from(wire_type));
}

pub fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_tag(out, number, BYTES);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Begins a value with a length prefix; [`close`] ends it.
pub fn open(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Writes the length. Most lengths are below 128 and fit the one byte that is reserved.
pub fn close(out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    if len < 0x80 {
        out[start - 1] = len as u8;
        return;
    }
    let mut prefix = Vec::with_capacity(5);
    put_varint(&mut prefix, len as u64);
    out.splice(start - 1..start, prefix);
}

pub fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

pub fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_come_back() {
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut out = Vec::new();
            put_varint(&mut out, n);
            assert_eq!(varint(&mut &out[..]).unwrap(), n);
        }
        assert!(varint(&mut &[0xff; 11][..]).is_err());
        assert!(varint(&mut &[0x80][..]).is_err());
    }

    #[test]
    fn zigzag_comes_back() {
        for n in [0, -1, 1, i64::MAX, i64::MIN] {
            assert_eq!(unzigzag(zigzag(n)), n);
        }
    }

    #[test]
    fn lengths_are_written_before_what_they_are_of() {
        for len in [0, 127, 128, 20_000] {
            let mut out = vec![7];
            let start = open(&mut out);
            out.resize(out.len() + len, 1);
            close(&mut out, start);
            let mut rest = &out[1..];
            assert_eq!(varint(&mut rest).unwrap(), len as u64);
            assert_eq!(rest.len(), len);
        }
    }

    #[test]
    fn groups_are_found_with_groups_inside() {
        let bytes = [0x0b, 0x13, 0x08, 1, 0x14, 0x0c, 0x18, 5];
        let mut rest = &bytes[..];
        let (number, Raw::Group(inner)) = field(&mut rest).unwrap() else {
            panic!("no group");
        };
        assert_eq!((number, inner), (1, &bytes[1..5]));
        assert!(matches!(field(&mut rest).unwrap(), (3, Raw::Varint(5))));
        assert!(field(&mut &bytes[..4]).is_err());
        assert!(field(&mut &[0x0b; 1000][..]).is_err());
    }
}
