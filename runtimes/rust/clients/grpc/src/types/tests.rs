use crate::testing::types_of;

#[test]
fn a_field_is_found_by_both_its_names_and_by_its_number() {
    let types = types_of(
        "syntax = 'proto2';
         message M { optional int32 a_b = 7; optional int32 aC = 2; optional int32 c_d = 300 [json_name = 'x']; }",
    );
    let message = &types.messages[types.message("M").unwrap()];
    let number = |name: &str| Some(message.fields[message.field(name.as_bytes())?].number);
    assert_eq!((number("a_b"), number("aB")), (Some(7), Some(7)));
    assert_eq!((number("aC"), number("a_c")), (Some(2), None));
    assert_eq!((number("c_d"), number("x")), (Some(300), Some(300)));
    assert_eq!(
        (number("cD"), number(""), number("C_D")),
        (None, None, None)
    );
    for wanted in [7, 2, 300] {
        let index = message.numbered(wanted).unwrap();
        assert_eq!(message.fields[index].number, wanted);
    }
    for unknown in [0, 1, 3, 8, u32::MAX] {
        assert_eq!(message.numbered(unknown), None);
    }
}

#[test]
fn what_has_no_presence_is_filled_in() {
    let types = types_of(
        "syntax = 'proto3';
         enum E { ZERO = 0; }
         message M {
           int32 a = 1; optional int32 b = 2; repeated int32 c = 3; map<string, M> d = 4;
           M e = 5; oneof o { int32 f = 6; } E g = 7;
         }",
    );
    let message = &types.messages[types.message("M").unwrap()];
    let filled = message.fields.iter().filter(|field| field.fill.is_some());
    let names: Vec<&str> = filled.map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["a", "c", "d", "g"]);
    assert_eq!(message.filled, 4);
    let oneofs: Vec<Option<usize>> = message.fields.iter().map(|field| field.oneof).collect();
    assert_eq!(oneofs[1], None);
    assert!(oneofs[5].is_some());
}

#[test]
fn of_several_names_for_a_number_the_first_is_shown() {
    let types = types_of(
        "syntax = 'proto3';
         enum E { option allow_alias = true; A = 0; B = 1; b = 1; C = -1; }
         message M { E e = 1; }",
    );
    let descriptor = &types.enums[types.enums.iter().position(|e| e.name == "E").unwrap()];
    assert_eq!(descriptor.name(1), Some("B"));
    assert_eq!(descriptor.number(b"b"), Some(1));
    assert_eq!(descriptor.number(b"C"), Some(-1));
    assert_eq!((descriptor.name(2), descriptor.number(b"a")), (None, None));
}
