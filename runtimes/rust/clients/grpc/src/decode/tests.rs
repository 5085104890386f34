use super::*;
use crate::testing::{Random, show, types_of};
use crate::types::MAX_DEPTH;
use crate::wire;

const PROTO: &str = "
    syntax = 'proto2';
    import 'google/protobuf/any.proto';
    import 'google/protobuf/duration.proto';
    import 'google/protobuf/field_mask.proto';
    import 'google/protobuf/struct.proto';
    import 'google/protobuf/timestamp.proto';
    import 'google/protobuf/wrappers.proto';
    message M {
      optional int32 number = 1; optional string name = 2; optional M child = 3;
      repeated int32 packed = 4 [packed = true]; repeated int32 loose = 5; repeated fixed32 wide = 6;
      optional group Inner = 7 { optional int32 a = 1; optional M m = 2; }
      oneof one { int32 left = 8; M right = 9; }
      map<string, int32> counts = 10;
      optional google.protobuf.Value value = 11; optional google.protobuf.Timestamp when = 12;
      optional google.protobuf.Duration took = 13; optional google.protobuf.FieldMask mask = 14;
      optional google.protobuf.Int32Value wrapped = 15; optional google.protobuf.Any any = 16;
      repeated M many = 17;
    }";

/// The table without what is always there.
fn decoded(types: &Types, bytes: &[u8]) -> Option<String> {
    let out = decode(types, types.message("M").unwrap(), bytes).ok()?;
    let shown = show(&out);
    Some(
        ["packed", "loose", "wide", "many"]
            .iter()
            .fold(shown, |shown, name| {
                shown
                    .replace(&format!(",{name}=[]"), "")
                    .replace(&format!("{name}=[],"), "")
                    .replace(&format!("{name}=[]"), "")
            })
            .replace(",counts={}", "")
            .replace("counts={},", "")
            .replace("counts={}", ""),
    )
}

fn field(number: u32, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put_bytes(&mut out, number, bytes);
    out
}

fn varint(number: u32, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    wire::put_tag(&mut out, number, wire::VARINT);
    wire::put_varint(&mut out, value);
    out
}

#[test]
fn fields_come_in_any_order_and_in_parts() {
    let types = types_of(PROTO);
    let shown = |parts: &[Vec<u8>]| decoded(&types, &parts.concat()).unwrap();
    assert_eq!(shown(&[]), "{}");
    assert_eq!(
        shown(&[varint(1, 5), field(2, b"x"), varint(1, 7)]),
        "{number=7,name=\"x\"}"
    );
    assert_eq!(
        shown(&[
            field(3, &varint(1, 5)),
            varint(1, 1),
            field(3, &field(2, b"x"))
        ]),
        "{number=1,child={number=5,name=\"x\"}}"
    );
    assert_eq!(
        shown(&[
            varint(99, 5),
            field(98, b"x"),
            vec![0x9b, 6, 8, 1, 0x9c, 6],
            varint(1, 1)
        ]),
        "{number=1}"
    );
    assert_eq!(
        shown(&[field(1, b"x"), varint(2, 1)]),
        "{}",
        "of another kind they are not known"
    );
    assert_eq!(
        shown(&[varint(1, u64::MAX), varint(8, 1 << 35 | 3)]),
        "{number=-1,left=3}"
    );
}

#[test]
fn lists_may_be_packed_or_not() {
    let types = types_of(PROTO);
    for number in [4, 5] {
        let name = if number == 4 { "packed" } else { "loose" };
        let bytes = [
            varint(number, 1),
            field(number, &[2, 0xac, 2]),
            field(number, &[]),
            varint(number, 4),
        ];
        assert_eq!(
            decoded(&types, &bytes.concat()).unwrap(),
            format!("{{{name}=[1,2,300,4]}}")
        );
    }
    assert_eq!(
        decoded(&types, &field(6, &[1, 0, 0, 0, 2, 0, 0, 0])).unwrap(),
        "{wide=[1,2]}"
    );
    for bytes in [
        field(6, &[1, 0, 0]),
        field(4, &[0x80]),
        field(4, &[0xff; 11]),
    ] {
        assert_eq!(decoded(&types, &bytes), None);
    }
}

#[test]
fn groups_end_where_they_began() {
    let types = types_of(PROTO);
    let group = [&[0x3b, 8, 1, 0x12][..], &[2, 8, 5], &[0x3c]].concat();
    assert_eq!(
        decoded(&types, &group).unwrap(),
        "{inner={a=1,m={number=5}}}"
    );
    for bytes in [
        &[0x3b][..],
        &[0x3b, 8, 1],
        &[0x3b, 8, 1, 0x44],
        &[0x3c],
        &[0x3b, 0x3b, 0x3c],
    ] {
        assert_eq!(decoded(&types, bytes), None, "{bytes:x?}");
    }
    assert_eq!(decoded(&types, &[0x3b; 100_000]), None);
}

#[test]
fn of_a_oneof_the_last_is_set() {
    let types = types_of(PROTO);
    let (a, b) = (field(9, &varint(1, 1)), field(9, &field(2, b"x")));
    let shown = |parts: &[&[u8]]| decoded(&types, &parts.concat()).unwrap();
    assert_eq!(shown(&[&a, &varint(8, 7)]), "{left=7}");
    assert_eq!(
        shown(&[&varint(8, 7), &a, &b]),
        "{right={number=1,name=\"x\"}}"
    );
    assert_eq!(shown(&[&a, &varint(8, 7), &b]), "{right={name=\"x\"}}");
    assert_eq!(
        shown(&[
            &varint(5, 1),
            &a,
            &varint(5, 2),
            &varint(8, 7),
            &varint(5, 3)
        ]),
        "{loose=[1,2,3],left=7}"
    );
}

#[test]
fn many_of_a_oneof_take_no_longer_than_many_of_others() {
    let types = types_of(PROTO);
    let alternating: Vec<u8> = [varint(8, 1), field(9, &[]), varint(5, 1)]
        .concat()
        .repeat(300_000);
    assert!(
        decoded(&types, &alternating)
            .unwrap()
            .ends_with(",right={}}")
    );
    let child = field(17, &[varint(8, 1), varint(8, 2)].concat()).repeat(300_000);
    assert!(decode(&types, types.message("M").unwrap(), &child).is_ok());
}

#[test]
fn what_lies_about_its_length_is_malformed() {
    let types = types_of(PROTO);
    for bytes in [
        &[0x12, 5, b'x'][..],
        &[
            0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ],
        &[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0x1a, 2, 0x12, 5],
        &[0x52, 3, 0x0a, 9, b'a'],
        &[8],
        &[
            8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ],
        &[0x0d, 1, 2],
        &[0, 1],
        &[2, 0],
        &[0x0e, 1],
        &[0x0f, 1],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1],
    ] {
        assert_eq!(decoded(&types, bytes), None, "{bytes:x?}");
    }
}

#[test]
fn messages_nest_no_deeper_than_the_limit() {
    let types = types_of(PROTO);
    let nested = |depth: usize| (0..depth).fold(Vec::new(), |inner, _| field(3, &inner));
    assert!(decoded(&types, &nested(MAX_DEPTH - 1)).is_some());
    assert_eq!(decoded(&types, &nested(MAX_DEPTH)), None);
    // A Value in a ListValue in a Value …
    let values = |depth: usize| {
        let inner = (0..depth).fold(varint(4, 1), |inner, _| field(6, &field(1, &inner)));
        field(11, &inner)
    };
    assert!(decoded(&types, &values(90)).is_some());
    assert_eq!(decoded(&types, &values(5_000)), None);
}

#[test]
fn a_value_is_the_last_of_what_is_known() {
    let types = types_of(PROTO);
    let shown = |parts: &[Vec<u8>]| decoded(&types, &field(11, &parts.concat())).unwrap();
    assert_eq!(shown(&[]), "{value=null}");
    assert_eq!(shown(&[varint(4, 1), varint(99, 1)]), "{value=true}");
    assert_eq!(shown(&[varint(4, 1), field(3, b"x")]), "{value=\"x\"}");
    assert_eq!(shown(&[field(3, b"x"), field(4, b"x")]), "{value=\"x\"}");
    let list = |n: u8| field(6, &field(1, &field(3, &[n])));
    assert_eq!(shown(&[list(b'a'), list(b'b')]), "{value=[\"a\",\"b\"]}");
    assert_eq!(
        shown(&[list(b'a'), varint(4, 1), list(b'b')]),
        "{value=[\"b\"]}"
    );
}

#[test]
fn what_json_has_no_text_for_is_a_table_of_the_fields() {
    let types = types_of(PROTO);
    let time = |seconds: i64, nanos: i32| {
        [
            varint(1, seconds as u64),
            varint(2, i64::from(nanos) as u64),
        ]
        .concat()
    };
    let shown = |number: u32, bytes: &[u8]| decoded(&types, &field(number, bytes)).unwrap();
    assert_eq!(
        shown(12, &time(1, 5)),
        "{when=\"1970-01-01T00:00:01.000000005Z\"}"
    );
    assert_eq!(
        shown(12, &time(253_402_300_800, 0)),
        "{when={seconds=253402300800,nanos=0}}"
    );
    assert_eq!(shown(12, &time(0, -1)), "{when={seconds=0,nanos=-1}}");
    assert_eq!(
        shown(12, &time(i64::MIN, i32::MIN)),
        "{when={seconds=-9223372036854775808,nanos=-2147483648}}"
    );
    assert_eq!(shown(13, &time(-1, -500_000_000)), "{took=\"-1.500s\"}");
    assert_eq!(shown(13, &time(1, -1)), "{took={seconds=1,nanos=-1}}");
    assert_eq!(
        shown(13, &time(i64::MAX, i32::MAX)),
        "{took={seconds=9223372036854775807,nanos=2147483647}}"
    );
    assert_eq!(
        shown(14, &[field(1, b"a_b"), field(1, b"c")].concat()),
        "{mask=\"aB,c\"}"
    );
    assert_eq!(
        shown(14, &[field(1, b"a_b"), field(1, b"*")].concat()),
        "{mask={paths=[\"a_b\",\"*\"]}}"
    );
    assert_eq!(shown(14, &[]), "{mask=\"\"}");
    assert_eq!(
        shown(15, &[varint(1, 5), field(1, b"x")].concat()),
        "{wrapped=5}"
    );
    assert_eq!(
        shown(16, &[field(1, b"t/M"), field(2, &varint(1, 5))].concat()),
        "{any={@type=\"t/M\",number=5}}"
    );
    assert_eq!(
        shown(16, &[field(1, b"t/N"), field(2, b"x")].concat()),
        "{any={@type=\"t/N\",value=\"x\"}}"
    );
    assert_eq!(
        shown(16, &[field(1, b"N"), field(2, b"x")].concat()),
        "{any={type_url=\"N\",value=\"x\"}}"
    );
    assert_eq!(
        shown(16, &field(2, b"x")),
        "{any={type_url=\"\",value=\"x\"}}"
    );
    assert_eq!(shown(16, &[]), "{any={}}");
}

#[test]
fn whatever_comes_is_decoded_or_refused() {
    let types = types_of(PROTO);
    let message = types.message("M").unwrap();
    let inner = [
        varint(1, 5),
        field(2, b"name"),
        field(4, &[1, 2, 3]),
        field(10, &[10, 1, b'a', 16, 7]),
    ]
    .concat();
    let value = field(
        5,
        &field(
            1,
            &[
                field(1, b"k"),
                field(2, &field(6, &field(1, &varint(4, 1)))),
            ]
            .concat(),
        ),
    );
    let whole = [
        inner.clone(),
        field(3, &inner),
        field(9, &inner),
        [&[0x3b][..], &varint(1, 1), &[0x3c]].concat(),
        field(11, &value),
        field(12, &[varint(1, 1), varint(2, 5)].concat()),
        field(14, &field(1, b"a_b")),
        field(16, &[field(1, b"t/M"), field(2, &inner)].concat()),
        field(17, &inner).repeat(2),
    ]
    .concat();
    show(&decode(&types, message, &whole).unwrap());
    for end in 0..whole.len() {
        if let Ok(out) = decode(&types, message, &whole[..end]) {
            show(&out);
        }
    }
    let mut random = Random(11);
    for _ in 0..20_000 {
        if let Ok(out) = decode(&types, message, &random.broken(&whole)) {
            show(&out);
        }
    }
}
