use crate::proto::compile;

#[test]
fn what_protoc_refuses_is_told_with_its_place() {
    let two = "syntax = \"proto2\";\n";
    let three = "syntax = \"proto3\";\n";
    let edition = "edition = \"2023\";\n";
    for (head, text, error) in [
        (
            three,
            "message M { strin a = 1; }",
            "2:13: name 'strin' is not defined",
        ),
        (
            three,
            "message M { a.b.C a = 1; }",
            "2:13: name 'a.b.C' is not defined",
        ),
        (
            three,
            "message M { int32 a; }",
            "2:20: expected '=', but found ';'",
        ),
        (
            three,
            "message {",
            "2:9: expected the name of the message, but found '{'",
        ),
        (
            three,
            "message M { int32 a = 1;",
            "2:25: expected the type of a field, but the file ends",
        ),
        (
            three,
            "message M { required int32 a = 1; }",
            "2:13: proto3 has no required fields",
        ),
        (
            three,
            "message M { int32 a = 1 [default = 1]; }",
            "2:36: proto3 has no defaults",
        ),
        (
            three,
            "message M { int32 foo_bar = 1; int32 fooBar = 2; }",
            "2:38: field \"foo_bar\" has the JSON name \"fooBar\", too",
        ),
        (
            three,
            "message M { oneof o {} }",
            "2:19: the oneof \"o\" has no field",
        ),
        (
            three,
            "message M { oneof o { repeated int32 a = 1; } }",
            "2:23: the fields of a oneof have no label",
        ),
        (
            three,
            "message M { map<float, int32> a = 1; }",
            "2:17: the keys of a map are integers, booleans or strings",
        ),
        (
            three,
            "message M { repeated map<string, int32> a = 1; }",
            "2:22: a map has no label, and is in no oneof and no extend",
        ),
        (
            three,
            "enum E { A = 1; }",
            "2:10: the first value of \"E\" has to be 0: it is open",
        ),
        (
            three,
            "enum E { A = 0; } service S { rpc R(E) returns (E); }",
            "2:37: 'E' is not a message",
        ),
        (
            three,
            "import \"gone.proto\";",
            "2:1: import 'gone.proto' not found",
        ),
        (
            three,
            "import \"public.proto\"; import \"public.proto\";",
            "2:31: 'public.proto' is imported twice",
        ),
        (
            three,
            "import \"names.proto\"; message M { base.Base b = 1; }",
            "2:35: name 'base.Base' is not defined: \"base.Base\" is in base.proto, which t.proto does not import",
        ),
        (three, "/* ", "2:1: this comment has no end"),
        (
            three,
            "message M\0 {}",
            "2:10: the byte 0x00 cannot be here",
        ),
        (
            three,
            "message Ü {}",
            "2:9: letters beyond ASCII are only in comments and texts",
        ),
        (
            two,
            "message M { int32 a = 1; }",
            "2:13: expected 'optional', 'required' or 'repeated', but found 'int32'",
        ),
        (
            two,
            "message M { optional int32 a = 0; }",
            "2:32: the number of a field is 1 to 536870911, not 0",
        ),
        (
            two,
            "message M { optional int32 a = 19000; }",
            "2:32: the numbers 19000 to 19999 are protobuf's own",
        ),
        (
            two,
            "message M { optional int32 a = 1; optional int32 b = 1; }",
            "2:54: field \"a\" has the number 1, too",
        ),
        (
            two,
            "message M { optional int32 a = 1; optional int32 a = 2; }",
            "2:50: \"M.a\" is defined already, in t.proto",
        ),
        (
            two,
            "message M { reserved 1; optional int32 a = 1; }",
            "2:44: the number 1 is reserved in \"M\"",
        ),
        (
            two,
            "message M { extensions 1 to 9; optional int32 a = 1; }",
            "2:51: the number 1 of \"M\" is for extensions",
        ),
        (
            two,
            "message M { extensions 9 to 1; }",
            "2:24: the range ends before it begins",
        ),
        (
            two,
            "message M { extensions 1; } extend M { optional int32 a = 2; }",
            "2:59: \"M\" has no extension number 2",
        ),
        (
            two,
            "message M { extensions 1; } extend M { optional int32 a = 1; optional int32 b = 1; }",
            "2:81: \"a\" has this number of \"M\" already",
        ),
        (
            two,
            "message M { optional int32 a = 1 [default = 2147483648]; }",
            "2:45: the default has to be an int32",
        ),
        (
            two,
            "message M { optional uint32 a = 1 [default = 089]; }",
            "2:46: the default has to be a uint32",
        ),
        (
            two,
            "message M { optional uint32 a = 1 [default = 12x]; }",
            "2:48: a space is missing between a number and what follows",
        ),
        (
            two,
            "message M { optional string a = 1 [default = \"x\n\"]; }",
            "2:46: this text has no end on its line",
        ),
        (
            two,
            "message M { optional string a = 1 [default = \"\\q\"]; }",
            "2:46: this text has an invalid escape",
        ),
        (
            two,
            "message M { optional M a = 1 [default = x]; }",
            "2:24: a message has no default",
        ),
        (
            two,
            "message M { optional int32 a = 1 [pakced = true]; }",
            "2:35: there is no option 'pakced' here; those of other files have their names in brackets",
        ),
        (
            two,
            "message M { optional int32 a = 1 [packed = true]; }",
            "2:28: only repeated numbers, booleans and enums are packed",
        ),
        (
            two,
            "message M { optional group foo = 1 {} }",
            "2:28: the name of a group begins with a capital letter",
        ),
        (
            two,
            "message M { option map_entry = true; }",
            "2:32: map_entry is not for authors: write map<KEY, VALUE>",
        ),
        (
            two,
            "option java_package = 5;",
            "2:23: the option 'java_package' is a text",
        ),
        (
            two,
            "option java_package = \"a\"; option java_package = \"b\";",
            "2:35: the option 'java_package' is set already",
        ),
        (
            two,
            "option (x) = { a: 1;",
            "2:14: this bracket is never closed",
        ),
        (
            two,
            "enum E { A = 0; B = 0; }",
            "2:17: \"A\" is 0, too: with \"option allow_alias = true;\" it may be",
        ),
        (
            two,
            "enum E { A = 2147483648; }",
            "2:14: 2147483648 is too large",
        ),
        (
            two,
            "enum E { reserved 1; A = 0; B = 1; }",
            "2:29: the number 1 is reserved in \"E\"",
        ),
        (
            two,
            "message M { optional int32 a = 1 [features.field_presence = EXPLICIT]; }",
            "2:35: only files of an edition have features",
        ),
        (
            edition,
            "message M { optional int32 a = 1; }",
            "2:13: editions have no such label: every field is optional unless a feature changes it",
        ),
        (
            edition,
            "message M { required int32 a = 1; }",
            "2:13: editions have no such label: write features.field_presence = LEGACY_REQUIRED",
        ),
        (
            edition,
            "message M { group G = 1 {} }",
            "2:13: editions have no group: write features.message_encoding = DELIMITED",
        ),
        (
            edition,
            "message M { reserved \"a\"; }",
            "2:22: in editions, a reserved name has no quotes",
        ),
        (
            edition,
            "message M { repeated int32 a = 1 [packed = true]; }",
            "2:44: editions have features.repeated_field_encoding for this",
        ),
        (
            edition,
            "message M { int32 a = 1 [features.field_presence = MAYBE]; }",
            "2:52: features.field_presence is one of EXPLICIT, IMPLICIT, LEGACY_REQUIRED, not MAYBE",
        ),
        (
            edition,
            "message M { int32 a = 1 [features.presence = IMPLICIT]; }",
            "2:46: there is no feature 'presence'",
        ),
        (
            "",
            "syntax = \"proto4\";",
            "1:10: the syntax is \"proto2\" or \"proto3\"; later ones are editions",
        ),
        (
            "",
            "edition = \"2022\";",
            "1:11: the edition is \"2023\" or \"2024\"",
        ),
    ] {
        let whole = format!("{head}{text}");
        let compiled = compile("t.proto", |name| match name {
            "t.proto" => Some(whole.as_bytes()),
            name => super::text(name),
        });
        assert_eq!(compiled.unwrap_err(), format!("t.proto:{error}"), "{text}");
    }
}
