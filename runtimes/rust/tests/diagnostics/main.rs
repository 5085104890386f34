//! What the compiler says of a mistake in a runtime.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

const FIXTURE: &str = "tests/diagnostics/mistakes.rs";

/// The library of this crate and the folder of its dependencies, where this test is, too. There may be several builds with
/// other features: the newest is one of the current sources, since what this test is linked with is.
fn library() -> (PathBuf, PathBuf) {
    let test = std::env::current_exe().expect("a test has a path");
    let folder = test.parent().expect("a file is in a folder");
    let entries = folder.read_dir().expect("the folder is there");
    let libraries = entries
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libresty_ffi-") && name.ends_with(".rlib")
        });
    let newest = libraries.max_by_key(|entry| {
        let metadata = entry.metadata().expect("the library is there");
        metadata.modified().expect("files have times")
    });
    let library = newest.expect("Cargo puts a test beside its libraries");
    (library.path(), folder.to_owned())
}

/// The errors of the fixture, by line: messages, labels and notes.
fn errors() -> BTreeMap<u64, Vec<String>> {
    let (library, dependencies) = library();
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args(["--edition", "2024", "--crate-type", "lib"])
        .args(["--emit", "metadata", "--error-format", "json"])
        .arg("--out-dir")
        .arg(env!("CARGO_TARGET_TMPDIR"))
        .arg("-L")
        .arg(format!("dependency={}", dependencies.display()))
        .arg("--extern")
        .arg(format!("resty_ffi={}", library.display()))
        .arg(FIXTURE)
        .output()
        .expect("rustc runs");
    assert!(!output.status.success(), "the mistakes compile");
    let messages = serde_json::Deserializer::from_slice(&output.stderr).into_iter::<Value>();
    let mut errors = BTreeMap::<u64, Vec<String>>::new();
    for message in messages.map(|message| message.expect("rustc writes JSON")) {
        let spans = message["spans"].as_array().expect("a list");
        let primary = spans.iter().find(|span| span["is_primary"] == true);
        // The last one counts the errors, and has no place.
        let (Some(primary), true) = (primary, message["level"] == "error") else {
            continue;
        };
        let line = line(primary);
        let notes = message["children"].as_array().expect("a list");
        let texts = [&message["message"]].into_iter();
        let texts = texts.chain(spans.iter().map(|span| &span["label"]));
        let texts = texts.chain(notes.iter().map(|note| &note["message"]));
        let texts = texts.filter_map(Value::as_str).map(str::to_owned);
        errors.entry(line).or_default().extend(texts);
    }
    errors
}

/// The line of a span; of one in a macro, that of the macro's call.
fn line(mut span: &Value) -> u64 {
    while span["expansion"].is_object() {
        span = &span["expansion"]["span"];
    }
    span["line_start"].as_u64().expect("a number")
}

/// The expected parts, by the line that they are about.
fn expected() -> BTreeMap<u64, Vec<&'static str>> {
    let mut expected = BTreeMap::new();
    let mut parts = Vec::new();
    for (number, line) in (1..).zip(include_str!("mistakes.rs").lines()) {
        match line.trim_start().strip_prefix("//~ ") {
            Some(part) => parts.push(part),
            None if parts.is_empty() => {}
            None => {
                expected.insert(number, std::mem::take(&mut parts));
            }
        }
    }
    expected
}

#[test]
fn each_mistake_is_explained() {
    let (expected, errors) = (expected(), errors());
    let lines = |lines: Vec<&u64>| format!("{lines:?}");
    assert_eq!(
        lines(errors.keys().collect()),
        lines(expected.keys().collect()),
        "lines with errors: {errors:#?}"
    );
    for (line, parts) in expected {
        for part in parts {
            let texts = &errors[&line];
            assert!(
                texts.iter().any(|text| text.contains(part)),
                "line {line} lacks \"{part}\": {texts:#?}"
            );
        }
    }
}
