use super::link;
use crate::decode::decode;
use crate::descriptor::File;
use crate::encode::encode;
use crate::msgpack::{Reader, Value, put_int, put_list, put_map, put_text};
use crate::proto;
use crate::types::Types;

const EDITION: &[u8] = include_bytes!("../proto/protoc/edition2023.proto");
const SET: &[u8] = include_bytes!("../proto/protoc/protoc.pb");

fn compiled(text: &[u8]) -> Vec<File> {
    proto::compile("t.proto", |name| (name == "t.proto").then_some(text)).unwrap()
}

/// Without what is empty or 0.
fn shown(reader: &mut Reader<'_>) -> String {
    let items = |reader: &mut Reader<'_>, n: usize| -> Vec<String> {
        (0..n).map(|_| shown(reader)).collect()
    };
    match reader.next().unwrap() {
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Int(n) => n.to_string(),
        Value::List(n) => format!("[{}]", items(reader, n).join(",")),
        Value::Map(n) => {
            let entries = (0..n).map(|_| [shown(reader), shown(reader)]);
            let entries = entries.filter(|[_, value]| !["[]", "{}", "0"].contains(&value.as_str()));
            let entries: Vec<String> = entries.map(|entry| entry.join("=")).collect();
            format!("{{{}}}", entries.join(","))
        }
        other => format!("{other:?}"),
    }
}

fn decoded(types: &Types, name: &str, bytes: &[u8]) -> Option<String> {
    let message = types.message(name).unwrap();
    let table = decode(types, message, bytes).ok()?;
    Some(shown(&mut Reader::new(&table)))
}

/// The bytes of a message with one field, or the reason why it cannot be encoded.
fn encoded(
    types: &Types,
    name: &str,
    field: &str,
    value: impl Fn(&mut Vec<u8>),
) -> Result<Vec<u8>, String> {
    let mut table = Vec::new();
    put_map(&mut table, 1);
    put_text(&mut table, field.as_bytes());
    value(&mut table);
    let message = types.message(name).unwrap();
    encode(types, message, &table).map_err(|error| error.message().to_owned())
}

/// The same edition, from its text and from protoc's descriptors.
fn edition_types() -> [Types; 2] {
    let set: crate::descriptor::Set = prost::Message::decode(SET).unwrap();
    [
        link(&[&compiled(EDITION)]),
        link(&[&proto::complete(set.file).unwrap()]),
    ]
}

const MESSAGE: &str = "edition2023.Message";

#[test]
fn an_edition_has_presence_as_its_features_say() {
    for types in edition_types() {
        let message = &types.messages[types.message(MESSAGE).unwrap()];
        let is_required =
            |name: &str| message.fields[message.field(name.as_bytes()).unwrap()].required;
        let filled = message.fields.iter().filter(|field| field.fill.is_some());
        let filled: Vec<&str> = filled.map(|field| field.name.as_str()).collect();
        let without_presence = [
            "implicit",
            "packed",
            "expanded",
            "many",
            "texts",
            "messages",
            "all",
            "by_number",
        ];
        assert_eq!(filled, without_presence);
        assert!(is_required("required") && !is_required("explicit") && !is_required("chosen"));
        let without = encoded(&types, MESSAGE, "explicit", |out| put_int(out, 0));
        assert_eq!(
            without.unwrap_err(),
            "required: is required in edition2023.Message"
        );
    }
}

#[test]
fn an_edition_encodes_as_its_features_say() {
    let two = |out: &mut Vec<u8>| {
        put_list(out, 2);
        put_int(out, 1);
        put_int(out, 2);
    };
    let closed = |out: &mut Vec<u8>| put_text(out, b"TWO");
    let inner = |out: &mut Vec<u8>| {
        put_map(out, 1);
        put_text(out, b"a");
        put_int(out, 5);
    };
    for text in [
        "edition = \"2023\"; message M { repeated int32 packed = 4; \
         repeated int32 expanded = 5 [features.repeated_field_encoding = EXPANDED]; \
         I delimited = 6 [features.message_encoding = DELIMITED]; I prefixed = 8; E e = 14; } \
         message I { int32 a = 1; } enum E { option features.enum_type = CLOSED; TWO = 2; }",
        "syntax = \"proto2\"; message M { repeated int32 packed = 4 [packed = true]; \
         repeated int32 expanded = 5; optional group Delimited = 6 { optional int32 a = 1; } \
         optional I prefixed = 8; optional E e = 14; } \
         message I { optional int32 a = 1; } enum E { TWO = 2; }",
    ] {
        let types = link(&[&compiled(text.as_bytes())]);
        let of =
            |field: &str, value: &dyn Fn(&mut Vec<u8>)| encoded(&types, "M", field, value).unwrap();
        assert_eq!(of("packed", &two), [0x22, 2, 1, 2]);
        assert_eq!(of("expanded", &two), [0x28, 1, 0x28, 2]);
        assert_eq!(of("delimited", &inner), [0x33, 8, 5, 0x34]);
        assert_eq!(of("prefixed", &inner), [0x42, 2, 8, 5]);
        assert_eq!(of("e", &closed), [0x70, 2]);
        let unknown = encoded(&types, "M", "e", |out| put_int(out, 3)).unwrap_err();
        assert_eq!(
            unknown,
            "e: must be a value of E (TWO) or its number, not the number 3"
        );
    }
}

#[test]
fn an_edition_decodes_as_its_features_say() {
    for types in edition_types() {
        let of = |bytes: &[u8]| decoded(&types, MESSAGE, bytes);
        // As a group, and with a length, which is another kind.
        assert_eq!(of(&[0x33, 8, 5, 0x34]).unwrap(), "{delimited={explicit=5}}");
        assert_eq!(of(&[0x32, 2, 8, 5]).unwrap(), "{}");
        // Packed or not, both are taken.
        assert_eq!(of(&[0x22, 1, 1, 0x20, 2]).unwrap(), "{packed=[1,2]}");
        assert_eq!(of(&[0x2a, 1, 1, 0x28, 2]).unwrap(), "{expanded=[1,2]}");
        // Closed: 3 has no name.
        assert_eq!(of(&[0x70, 3]).unwrap(), "{}");
        assert_eq!(of(&[0x70, 2, 0x70, 3]).unwrap(), "{closed=TWO}");
        assert_eq!(of(&[0x7a, 3, 1, 3, 2]).unwrap(), "{all=[ONE,TWO]}");
        assert_eq!(of(&[0x78, 3, 0x78, 2]).unwrap(), "{all=[TWO]}");
        let entries = [0x82, 1, 4, 8, 1, 16, 3, 0x82, 1, 4, 8, 2, 16, 1];
        assert_eq!(of(&entries).unwrap(), "{by_number={2=UNIT}}");
        // Open.
        assert_eq!(of(&[0x88, 1, 3]).unwrap(), "{open=3}");
        // Strings are UTF-8 unless nobody checks.
        assert_eq!(of(&[0x4a, 1, b'x']).unwrap(), "{checked=x}");
        assert_eq!(of(&[0x4a, 1, 0xff]), None);
        assert_eq!(of(&[0x52, 1, 0xff]).unwrap(), "{unchecked=\u{fffd}}");
        assert_eq!(
            of(&[0x5a, 6, 0x0a, 1, 0xff, 0x12, 1, 0xff]).unwrap(),
            "{texts={\u{fffd}=\u{fffd}}}"
        );
        // Extensions.
        assert_eq!(
            of(&[0xe3, 18, 8, 5, 0xe4, 18]).unwrap(),
            "{[edition2023.inside]={explicit=5}}"
        );
        assert_eq!(
            of(&[0xea, 18, 2, 1, 2]).unwrap(),
            "{[edition2023.numbers]=[1,2]}"
        );
    }
}

#[test]
fn two_fields_may_have_the_same_json_name_in_proto2() {
    let text = "message M { optional int32 fooBar = 1; optional int32 foo_bar = 2; }";
    let types = link(&[&compiled(text.as_bytes())]);
    let of = |field| encoded(&types, "M", field, |out| put_int(out, 7)).unwrap();
    assert_eq!(of("fooBar"), [8, 7]);
    assert_eq!(of("foo_bar"), [16, 7]);
}

#[test]
fn extensions_of_other_sets_are_known_where_they_fit() {
    let base = "package p; message M { optional int32 a = 1; extensions 100 to 109; }";
    let more = "package p; message M { extensions 100 to 199; } \
                extend M { optional N n = 100; optional int32 far = 150; } \
                message N { optional string text = 1; }";
    let types = link(&[&compiled(base.as_bytes()), &compiled(more.as_bytes())]);
    let bytes = [0xa2, 6, 3, 0x0a, 1, b'x', 0xb0, 9, 7];
    let in_set = |set: usize| {
        let message = types.message_in(set, "p.M").unwrap();
        shown(&mut Reader::new(&decode(&types, message, &bytes).unwrap()))
    };
    assert_eq!(in_set(0), "{[p.n]={text=x}}");
    assert_eq!(in_set(1), "{[p.far]=7,[p.n]={text=x}}");
}

#[test]
fn a_set_uses_its_own_types_before_those_of_others() {
    let of = |field: &str| format!("message M {{ optional int32 {field} = 1; }}");
    let (one, two) = (
        compiled(of("one").as_bytes()),
        compiled(of("two").as_bytes()),
    );
    let types = link(&[&one, &two]);
    let name_in = |set: usize| {
        let message = types.message_in(set, "M").unwrap();
        types.messages[message].fields[0].name.clone()
    };
    assert_eq!([name_in(0), name_in(1), name_in(7)], ["one", "two", "two"]);
}
