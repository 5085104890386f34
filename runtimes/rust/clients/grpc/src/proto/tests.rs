mod refused;

use super::{compile, complete};
use crate::descriptor::{self, File, Set};

/// The files of the folder `protoc`, and what protoc 35.1 made of them:
/// `protoc --descriptor_set_out=protoc.pb *.proto`
const FILES: [(&str, &[u8]); 10] = [
    ("base.proto", include_bytes!("protoc/base.proto")),
    (
        "edition2023.proto",
        include_bytes!("protoc/edition2023.proto"),
    ),
    (
        "edition2024.proto",
        include_bytes!("protoc/edition2024.proto"),
    ),
    ("features.proto", include_bytes!("protoc/features.proto")),
    ("groups.proto", include_bytes!("protoc/groups.proto")),
    ("names.proto", include_bytes!("protoc/names.proto")),
    ("options.proto", include_bytes!("protoc/options.proto")),
    ("public.proto", include_bytes!("protoc/public.proto")),
    ("three.proto", include_bytes!("protoc/three.proto")),
    ("words.proto", include_bytes!("protoc/words.proto")),
];
const SET: &[u8] = include_bytes!("protoc/protoc.pb");

fn text(name: &str) -> Option<&'static [u8]> {
    let (_, text) = FILES.iter().find(|(file, _)| *file == name)?;
    Some(text)
}

/// Without options that say nothing of those that are kept.
fn plain(mut file: File) -> File {
    fn drop_empty<T: Default + PartialEq>(options: &mut Option<T>) {
        if *options == Some(T::default()) {
            *options = None;
        }
    }
    fn message(found: &mut descriptor::Message) {
        for field in found.field.iter_mut().chain(&mut found.extension) {
            if let Some(options) = &mut field.options {
                drop_empty(&mut options.features);
            }
            drop_empty(&mut field.options);
        }
        for oneof in &mut found.oneof_decl {
            if let Some(options) = &mut oneof.options {
                drop_empty(&mut options.features);
            }
            drop_empty(&mut oneof.options);
        }
        if let Some(options) = &mut found.options {
            drop_empty(&mut options.features);
        }
        drop_empty(&mut found.options);
        found.enum_type.iter_mut().for_each(enumeration);
        found.nested_type.iter_mut().for_each(message);
    }
    fn enumeration(found: &mut descriptor::Enum) {
        drop_empty(&mut found.options);
    }
    let mut whole = descriptor::Message {
        nested_type: std::mem::take(&mut file.message_type),
        enum_type: std::mem::take(&mut file.enum_type),
        extension: std::mem::take(&mut file.extension),
        ..descriptor::Message::default()
    };
    message(&mut whole);
    file.message_type = whole.nested_type;
    file.enum_type = whole.enum_type;
    file.extension = whole.extension;
    if let Some(options) = &mut file.options {
        drop_empty(&mut options.features);
    }
    drop_empty(&mut file.options);
    file
}

#[test]
fn texts_are_what_protoc_makes_of_them() {
    let set: Set = prost::Message::decode(SET).expect("protoc wrote it");
    for (name, _) in FILES {
        let files = compile(name, text).unwrap();
        let theirs = set.file.iter().find(|file| file.name == name).cloned();
        assert_eq!(
            plain(files[0].clone()),
            plain(theirs.expect("every file is in the set")),
            "{name}"
        );
    }
}

#[test]
fn descriptors_of_protoc_are_whole_as_they_are() {
    let set: Set = prost::Message::decode(SET).expect("protoc wrote it");
    let files = complete(set.file.clone()).unwrap();
    assert_eq!(files[..set.file.len()], set.file);
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| {
        let open = (0..depth).map(|k| format!("message M{k} {{ "));
        open.collect::<String>() + &"}".repeat(depth)
    };
    for (depth, is_fine) in [(32, true), (33, false), (100_000, false)] {
        let text = nested(depth);
        let compiled = compile("t.proto", |_| Some(text.as_bytes()));
        assert_eq!(compiled.is_ok(), is_fine, "{depth}");
    }
    let brackets = format!("option (x) = {};", "{".repeat(100_000));
    assert!(compile("t.proto", |_| Some(brackets.as_bytes())).is_err());
}

#[test]
fn no_text_makes_it_panic_or_hang() {
    for (name, text) in FILES {
        for end in 0..text.len() {
            let _ = compile(name, |file| match file == name {
                true => Some(&text[..end]),
                false => self::text(file),
            });
        }
    }
}

#[test]
fn descriptors_that_are_wrong_are_told() {
    let field = |number, type_name: &str| descriptor::Field {
        name: format!("f{number}"),
        number,
        label: 1,
        r#type: 11,
        type_name: type_name.to_owned(),
        ..descriptor::Field::default()
    };
    let file = |fields: Vec<descriptor::Field>| File {
        name: "t.proto".to_owned(),
        dependency: vec!["gone.proto".to_owned()],
        syntax: "proto3".to_owned(),
        message_type: vec![descriptor::Message {
            name: "M".to_owned(),
            field: fields,
            ..descriptor::Message::default()
        }],
        ..File::default()
    };
    // What is not there is not needed.
    assert!(complete(vec![file(vec![field(1, ".M")])]).is_ok());
    let lacking = "it lacks \"gone.proto\", which \"t.proto\" imports: t.proto:";
    for (fields, error) in [
        (vec![field(1, ".Gone")], "name 'Gone' is not defined"),
        (vec![field(1, "")], "field \"f1\" has no type"),
        (
            vec![field(0, ".M")],
            "the number of a field is 1 to 536870911, not 0",
        ),
    ] {
        let error = format!("{lacking} {error}");
        assert_eq!(complete(vec![file(fields)]).unwrap_err(), error);
    }
    let mut unknown = file(Vec::new());
    unknown.syntax = "editions".to_owned();
    unknown.edition = 9999;
    unknown.dependency.clear();
    assert_eq!(
        complete(vec![unknown]).unwrap_err(),
        "t.proto: edition 9999 is not known: there are proto2, proto3, 2023 and 2024"
    );
}
