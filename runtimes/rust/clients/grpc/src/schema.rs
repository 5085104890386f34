//! The texts and descriptor sets that `grpc.loadfile` and `grpc.load` loaded, compiled when a method is first needed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use resty_ffi::Error;
use tokio::sync::OnceCell;

use crate::descriptor::{File, Set};
use crate::link::link;
use crate::msgpack::{Reader, Value, malformed};
use crate::proto;
use crate::refusal::{list_of, refuse};
use crate::types::Types;

/// One version of the loaded files of a Lua VM. Each file is compiled with its own imports only, so two of them may
/// have files or types of the same name; the last one loaded is used.
#[derive(Debug)]
pub struct Schema {
    source: Arc<[u8]>,
    loaded: OnceCell<Loaded>,
}

#[derive(Debug)]
pub struct Loaded {
    units: Vec<Unit>,
    pub types: Arc<Types>,
}

#[derive(Debug)]
struct Unit {
    /// The path that the author loaded, for messages.
    path: String,
    files: Result<Vec<File>, String>,
}

impl Schema {
    pub fn new(source: Arc<[u8]>) -> Self {
        Self {
            source,
            loaded: OnceCell::new(),
        }
    }

    pub async fn loaded(self: &Arc<Self>) -> Result<&Loaded, Error> {
        let loaded = self.loaded.get_or_try_init(|| async {
            let schema = self.clone();
            tokio::task::spawn_blocking(move || compile(&schema.source)).await?
        });
        loaded.await
    }
}

impl Loaded {
    /// The files of each valid unit.
    pub fn sets(&self) -> impl Iterator<Item = &[File]> {
        let files = self.units.iter().map(|unit| unit.files.as_deref());
        files.filter_map(Result::ok)
    }

    /// The error text for a method that is not there.
    pub fn missing(&self, service: &str, method: &str) -> String {
        if let Some(text) = self.units.iter().find_map(|unit| unit.files.as_ref().err()) {
            return text.clone();
        }
        if let Some(methods) = self.types.service(service) {
            let names = list_of(methods.iter().map(String::as_str));
            return format!("{service} has no method \"{method}\"; its methods are: {names}");
        }
        let files = list_of(self.units.iter().map(|unit| unit.path.as_str()));
        format!("no loaded file has the service \"{service}\" (loaded: {files})")
    }
}

fn compile(source: &[u8]) -> Result<Loaded, Error> {
    let mut reader = Reader::new(source);
    let (mut texts, mut units) = (Vec::new(), Vec::new());
    for _ in 0..reader.list()? {
        texts.push(reader.bytes()?);
    }
    for _ in 0..reader.list()? {
        units.push(unit(&mut reader, &texts)?);
    }
    let sets: Vec<&[File]> = units
        .iter()
        .filter_map(|unit| unit.files.as_deref().ok())
        .collect();
    let types = Arc::new(link(&sets));
    Ok(Loaded { units, types })
}

/// `[path, root, { name = number of its text }]`, or `[path, nil, number]` for a descriptor set.
fn unit(reader: &mut Reader<'_>, texts: &[&[u8]]) -> Result<Unit, Error> {
    if reader.list()? != 3 {
        return Err(malformed());
    }
    // The name of a file may be any bytes.
    let path = String::from_utf8_lossy(reader.bytes()?).into_owned();
    let text = |reader: &mut Reader<'_>| match reader.next()? {
        Value::Int(number) => texts
            .get(number as usize - 1)
            .copied()
            .ok_or_else(malformed),
        _ => Err(malformed()),
    };
    let files = match reader.next()? {
        Value::Text(root) => {
            let root = String::from_utf8_lossy(root);
            let mut files = HashMap::new();
            for _ in 0..reader.map()? {
                let name = String::from_utf8_lossy(reader.bytes()?);
                files.insert(name, text(reader)?);
            }
            contained(|| proto::compile(&root, |name| files.get(name).copied()))
        }
        _ => {
            let bytes = text(reader)?;
            contained(|| descriptor_set(bytes))
        }
    };
    Ok(Unit {
        files: files.map_err(|error| format!("cannot use {path}: {error}")),
        path,
    })
}

/// Turns a panic into an error of the unit, so that the other units stay usable.
fn contained<T>(compile: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!(
            "it cannot be compiled ({})",
            text.unwrap_or("the compiler panicked")
        ))
    })
}

fn descriptor_set(bytes: &[u8]) -> Result<Vec<File>, String> {
    let set: Set =
        prost::Message::decode(bytes).map_err(|_| "it is not a descriptor set".to_owned())?;
    proto::complete(set.file).map_err(|error| {
        format!("{error} (protoc writes the imports along with --include_imports)")
    })
}

/// Completes files that come from a server's reflection.
pub fn reflected(files: Vec<File>) -> Result<Vec<File>, String> {
    contained(|| proto::complete(files))
}

/// Splits `/package.Service/Method`.
pub fn split(path: &str) -> Result<(&str, &str), Error> {
    let parts = path.strip_prefix('/').and_then(|path| path.split_once('/'));
    let parts = parts.filter(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/')
    });
    parts.ok_or_else(|| {
        refuse(format!(
            "\"{path}\" names no method: write it as /package.Service/Method"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::msgpack::{put_int, put_list, put_map, put_text};

    const GOOD: &str = "syntax = \"proto3\"; message M {} service Good { rpc Do (M) returns (M); }";

    /// The schema that the Lua side sends for files without imports.
    fn loaded(files: &[(&[u8], &str)]) -> Loaded {
        let mut source = Vec::new();
        put_list(&mut source, files.len());
        for (_, text) in files {
            put_text(&mut source, text.as_bytes());
        }
        put_list(&mut source, files.len());
        for (k, (name, _)) in files.iter().enumerate() {
            put_list(&mut source, 3);
            put_text(&mut source, &[b"protos/", *name].concat());
            put_text(&mut source, name);
            put_map(&mut source, 1);
            put_text(&mut source, name);
            put_int(&mut source, k as i64 + 1);
        }
        compile(&source).expect("the source is well-formed")
    }

    #[test]
    fn a_file_that_cannot_be_used_costs_no_other() {
        for bad in [
            "message M { message FooEntry { option map_entry = true; } repeated FooEntry foo = 1; }",
            "message M { optional Gone gone = 1; }",
            "message",
            "option java_package = 7;",
        ] {
            let loaded = loaded(&[(b"bad.proto", bad), (b"good.proto", GOOD)]);
            let error = loaded.missing("Bad", "Do");
            let start = "cannot use protos/bad.proto: bad.proto:1:";
            assert!(error.starts_with(start), "{error}");
            assert!(loaded.types.method("/Good/Do").is_some());
        }
    }

    #[test]
    fn the_name_of_a_file_may_be_any_bytes() {
        let loaded = loaded(&[(b"\xff.proto", GOOD), (b"\xfe.proto", "message")]);
        assert!(loaded.types.method("/Good/Do").is_some());
        let error = loaded.missing("Bad", "Do");
        assert!(
            error.starts_with("cannot use protos/\u{fffd}.proto: "),
            "{error}"
        );
    }
}
