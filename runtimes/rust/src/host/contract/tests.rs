//! Compares what is written in Rust with what the compiler of the C headers has found there.

use std::collections::BTreeMap;
use std::fs;
use std::mem::offset_of;

use serde_json::Value;

use super::*;
use crate::code;

fn contract() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../native/dist/contract.json"
    );
    let text = fs::read(path).expect("the build of native writes contract.json");
    serde_json::from_slice(&text).expect("contract.json is JSON")
}

/// An enum of the header: its enumerators in Rust, and those that have no use here.
type Enum = (
    &'static str,
    &'static [(&'static str, i64)],
    &'static [&'static str],
);

const ENUMS: [Enum; 5] = [
    (
        "resty_ffi_kind",
        &[
            ("RESTY_FFI_CALL", kind::CALL as i64),
            ("RESTY_FFI_DATA", kind::DATA as i64),
            ("RESTY_FFI_CANCEL", kind::CANCEL as i64),
            ("RESTY_FFI_WINDOW", kind::WINDOW as i64),
            ("RESTY_FFI_LOG", kind::LOG as i64),
            ("RESTY_FFI_DICT", kind::DICT as i64),
        ],
        // The code of a runtime in Rust is the library itself, which the host watches.
        &["RESTY_FFI_WATCH"],
    ),
    (
        "resty_ffi_flag",
        &[
            ("RESTY_FFI_END", flag::END as i64),
            ("RESTY_FFI_NIL", flag::NIL as i64),
            ("RESTY_FFI_COPY", flag::COPY as i64),
        ],
        &[],
    ),
    (
        "resty_ffi_status",
        &[
            ("RESTY_FFI_TIMEOUT", code::TIMEOUT as i64),
            ("RESTY_FFI_CANCELLED", code::CANCELLED as i64),
            ("RESTY_FFI_QUEUE_FULL", code::QUEUE_FULL as i64),
            ("RESTY_FFI_TOO_LARGE", code::TOO_LARGE as i64),
            ("RESTY_FFI_NO_METHOD", code::NO_METHOD as i64),
            ("RESTY_FFI_THREW", code::THREW as i64),
            ("RESTY_FFI_EXITED", code::EXITED as i64),
            ("RESTY_FFI_UNLOADED", code::UNLOADED as i64),
            ("RESTY_FFI_BAD_PHASE", code::BAD_PHASE as i64),
            ("RESTY_FFI_BAD_ARGUMENT", code::BAD_ARGUMENT as i64),
        ],
        // An `Error` has a code other than 0.
        &["RESTY_FFI_OK"],
    ),
    (
        "resty_ffi_level",
        &[
            ("RESTY_FFI_LOG_EMERG", level::EMERG as i64),
            ("RESTY_FFI_LOG_ALERT", level::ALERT as i64),
            ("RESTY_FFI_LOG_CRIT", level::CRIT as i64),
            ("RESTY_FFI_LOG_ERR", level::ERR as i64),
            ("RESTY_FFI_LOG_WARN", level::WARN as i64),
            ("RESTY_FFI_LOG_NOTICE", level::NOTICE as i64),
            ("RESTY_FFI_LOG_INFO", level::INFO as i64),
            ("RESTY_FFI_LOG_DEBUG", level::DEBUG as i64),
        ],
        &[],
    ),
    (
        "resty_ffi_dict_op",
        &[
            ("RESTY_FFI_DICT_GET", DictOp::Get as i64),
            ("RESTY_FFI_DICT_SET", DictOp::Set as i64),
            ("RESTY_FFI_DICT_INCR", DictOp::Incr as i64),
            ("RESTY_FFI_DICT_DELETE", DictOp::Delete as i64),
            ("RESTY_FFI_DICT_ADD", DictOp::Add as i64),
        ],
        &[],
    ),
];

#[test]
fn every_enumerator_of_the_header_is_here_with_its_number() {
    let contract = contract();
    for (name, enumerators, unused) in ENUMS {
        let there = contract["enums"][name].as_array().expect(name);
        let there: BTreeMap<_, _> = there
            .iter()
            .map(|enumerator| enumerator.as_str().expect("a name"))
            .filter(|enumerator| !unused.contains(enumerator))
            .map(|enumerator| (enumerator, contract["constants"][enumerator].as_i64()))
            .collect();
        let here = enumerators
            .iter()
            .map(|(name, number)| (*name, Some(*number)));
        assert_eq!(here.collect::<BTreeMap<_, _>>(), there, "{name}");
        for enumerator in unused {
            let number = &contract["constants"][enumerator];
            assert!(
                number.is_i64(),
                "{enumerator} is not in the header any more"
            );
        }
    }
}

#[test]
fn the_other_numbers_are_those_of_the_header() {
    let constants = &contract()["constants"];
    assert_eq!(constants["RESTY_FFI_LEAST_COST"], LEAST_COST);
    assert_eq!(constants["RESTY_FFI_ABI"], crate::abi());
}

#[test]
fn the_frame_is_that_of_the_header() {
    macro_rules! fields {
        ($($field:ident)*) => {
            BTreeMap::from([$((
                stringify!($field),
                (offset_of!(Frame, $field), size_of_val(&EMPTY.$field)),
            )),*])
        };
    }
    let here = fields!(id kind flags status data len deadline method zone arg release);
    let frame = &contract()["structs"]["resty_ffi_frame"];
    let number = |value: &Value| value.as_u64().expect("a number") as usize;
    let there: BTreeMap<_, _> = frame["fields"]
        .as_object()
        .expect("the fields")
        .iter()
        .map(|(name, place)| {
            (
                name.as_str(),
                (number(&place["offset"]), number(&place["size"])),
            )
        })
        .collect();
    assert_eq!(here, there);
    assert_eq!(size_of::<Frame>(), number(&frame["size"]));
}
