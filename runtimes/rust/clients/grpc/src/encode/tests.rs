use resty_ffi::code;

use super::*;
use crate::decode::decode;
use crate::msgpack::{put_bool, put_float, put_int, put_list, put_map, put_nil, put_text};
use crate::testing::{Random, show, types_of};
use crate::types::MAX_DEPTH;

const PROTO: &str = "
    syntax = 'proto3';
    import 'google/protobuf/any.proto';
    import 'google/protobuf/struct.proto';
    import 'google/protobuf/timestamp.proto';
    import 'google/protobuf/wrappers.proto';
    message M {
      int32 number = 1; uint64 wide = 2; string name = 3; bytes blob = 4; bool flag = 5; float ratio = 6;
      repeated int32 numbers = 7; repeated M children = 8; map<int32, M> by_number = 9; map<bool, string> by_flag = 10;
      google.protobuf.Value value = 11; google.protobuf.Timestamp when = 12; google.protobuf.Int32Value wrapped = 13;
      oneof one { string left = 14; string right = 15; }
      google.protobuf.Any any = 16; map<string, M> by_name = 17;
    }";

fn int(n: i64) -> Vec<u8> {
    let mut out = Vec::new();
    put_int(&mut out, n);
    out
}

fn text(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_text(&mut out, text);
    out
}

fn nil() -> Vec<u8> {
    let mut out = Vec::new();
    put_nil(&mut out);
    out
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    put_list(&mut out, items.len());
    out.extend(items.concat());
    out
}

fn map(entries: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    put_map(&mut out, entries.len());
    for (key, value) in entries {
        out.extend_from_slice(key);
        out.extend_from_slice(value);
    }
    out
}

fn one(name: &str, value: Vec<u8>) -> Vec<u8> {
    map(&[(text(name.as_bytes()), value)])
}

/// What is wrong with a table.
fn refusal(types: &Types, table: &[u8]) -> String {
    let error = encode(types, types.message("M").unwrap(), table).unwrap_err();
    assert_eq!(error.code(), code::BAD_ARGUMENT);
    error.message().to_owned()
}

#[test]
fn a_refusal_says_where_and_why() {
    let types = types_of(PROTO);
    let mut yes = Vec::new();
    put_bool(&mut yes, true);
    let mut half = Vec::new();
    put_float(&mut half, 0.5);
    let twice = [(int(1), one("number", int(1))), (text(b"1"), map(&[]))];
    for (table, wanted) in [
        (
            int(1),
            "the message: must be a table of the fields of M, not the number 1",
        ),
        (
            list(&[int(1)]),
            "the message: must be a table of the fields of M, not a list",
        ),
        (
            map(&[(int(1), int(1))]),
            "the message: a key must be the name of a field of M, not the number 1",
        ),
        (
            one("number", text(b"x")),
            "number: must be an int32 or its decimal text, not the text \"x\"",
        ),
        (
            one("number", half.clone()),
            "number: must be an int32 or its decimal text, not the number 0.5",
        ),
        (
            one("wide", int(-1)),
            "wide: must be a uint64 or its decimal text, not the number -1",
        ),
        (
            one("flag", int(1)),
            "flag: must be a boolean, not the number 1",
        ),
        (
            one("name", text(b"\xff")),
            "name: must be valid UTF-8, as every string of protobuf: only bytes may be anything",
        ),
        (
            one("blob", yes.clone()),
            "blob: must be a string, not a boolean",
        ),
        (
            one("ratio", text(b"inf")),
            "ratio: must be a float or its decimal text, not the text \"inf\"",
        ),
        (
            one("numbers", list(&[int(1), nil()])),
            "numbers[2]: must be an int32 or its decimal text, not ngx.null",
        ),
        (
            one("numbers", one("x", int(1))),
            "numbers: must be a list, whose keys are 1, 2, 3 …, not a table with other keys",
        ),
        (
            one("children", list(&[map(&[]), one("when", text(b"noon"))])),
            "children[2].when: must be a time such as \"2026-01-31T12:00:00.5Z\", of the years 1 to 9999, not \"noon\"",
        ),
        (
            one("by_number", map(&[(int(7), one("number", yes.clone()))])),
            "by_number[7].number: must be an int32 or its decimal text, not a boolean",
        ),
        (
            one("by_name", map(&[(text(b"a.b"), nil())])),
            "by_name[\"a.b\"]: must be a table of the fields of M, not ngx.null",
        ),
        (
            one("by_number", map(&[(text(b"x"), map(&[]))])),
            "by_number: the key must be an int32 or its decimal text, not the text \"x\"",
        ),
        (
            one("by_number", map(&twice)),
            "by_number: the key 1 is given twice, in different forms",
        ),
        (
            one(
                "by_flag",
                map(&[(yes.clone(), text(b"a")), (text(b"true"), text(b"b"))]),
            ),
            "by_flag: the key 1 is given twice, in different forms",
        ),
        (
            one("value", list(&[one("a", list(&[text(b"\xff")]))])),
            "value[1][\"a\"][1]: must be valid UTF-8, as every string of JSON",
        ),
        (
            one("wrapped", text(b"1.5")),
            "wrapped: must be an int32 or its decimal text, not the text \"1.5\"",
        ),
        (
            map(&[(text(b"left"), text(b"")), (text(b"right"), text(b""))]),
            "the message: the fields \"left\" and \"right\" of M exclude each other (oneof one): set one of them",
        ),
        (
            one("any", one("@type", text(b"t/None"))),
            "any[\"@type\"]: names \"t/None\", which none of the loaded files has",
        ),
    ] {
        assert_eq!(refusal(&types, &table), wanted);
    }
    assert!(
        refusal(&types, &one("no", int(1)))
            .starts_with("the message: M has no field \"no\"; its fields are: number, ")
    );
}

#[test]
fn messages_nest_no_deeper_than_the_limit() {
    let types = types_of(PROTO);
    let nested =
        |depth: usize| (0..depth).fold(map(&[]), |inner, _| one("children", list(&[inner])));
    assert!(encode(&types, types.message("M").unwrap(), &nested(MAX_DEPTH - 1)).is_ok());
    let refused = refusal(&types, &nested(MAX_DEPTH));
    assert!(
        refused.ends_with(": is nested deeper than 100 messages"),
        "{refused}"
    );
    let mut lists = text(b"value");
    lists.insert(0, 0x81);
    lists.extend([0x91; 100_000]);
    lists.push(0xc0);
    assert!(refusal(&types, &lists).ends_with(": is nested deeper than 100 tables"));
}

#[test]
fn whatever_comes_is_encoded_or_refused() {
    let types = types_of(PROTO);
    let message = types.message("M").unwrap();
    let table = map(&[
        (text(b"number"), int(-5)),
        (text(b"wide"), text(b"18446744073709551615")),
        (text(b"numbers"), list(&[int(1), int(300)])),
        (text(b"children"), list(&[one("name", text(b"x"))])),
        (
            text(b"by_number"),
            map(&[(int(1), one("flag", vec![0xc3]))]),
        ),
        (text(b"by_flag"), map(&[(text(b"true"), text(b"y"))])),
        (text(b"value"), list(&[nil(), one("a", text(b"b"))])),
        (text(b"when"), text(b"2026-01-31T12:00:00.5Z")),
        (text(b"wrapped"), int(0)),
        (
            text(b"any"),
            map(&[(text(b"@type"), text(b"t/M")), (text(b"number"), int(1))]),
        ),
    ]);
    let whole = encode(&types, message, &table).unwrap();
    assert!(
        show(&decode(&types, message, &whole).unwrap())
            .contains("when=\"2026-01-31T12:00:00.500Z\"")
    );
    for end in 0..table.len() {
        assert!(encode(&types, message, &table[..end]).is_err());
    }
    let mut random = Random(7);
    for _ in 0..20_000 {
        if let Ok(bytes) = encode(&types, message, &random.broken(&table)) {
            // What was encoded is a message.
            show(&decode(&types, message, &bytes).unwrap());
        }
    }
}
