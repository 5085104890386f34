//! What was loaded by `grpc.loadfile` and `grpc.load`: texts and descriptor sets, compiled when a method is first needed.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorSet;
use protox::Compiler;
use protox::file::{
    ChainFileResolver, DescriptorSetFileResolver, File, FileResolver, GoogleFileResolver,
};
use resty_ffi::Error;
use tokio::sync::OnceCell;

use crate::encode::{list_of, refuse};
use crate::msgpack::{Reader, Value, malformed};
use crate::types::{Found, Types};

const HEALTH: &str = include_str!("health.proto");
const ERROR_DETAILS: &str = include_str!("error_details.proto");

/// All that one version of a Lua VM's loaded files holds. Each file is compiled with its own imports only, so that two
/// of them may have files or types of the same name; of these the one that was loaded last counts.
#[derive(Debug)]
pub struct Schema {
    source: Arc<[u8]>,
    units: OnceCell<Vec<Unit>>,
}

#[derive(Debug)]
struct Unit {
    /// What the author loaded, for messages.
    path: String,
    types: Result<Arc<Types>, String>,
}

impl Schema {
    pub fn new(source: Arc<[u8]>) -> Self {
        Self {
            source,
            units: OnceCell::new(),
        }
    }

    /// The method of this path in the loaded files.
    pub async fn method(self: &Arc<Self>, path: &str) -> Result<Option<Found>, Error> {
        let units = self.units().await?;
        let types = units
            .iter()
            .rev()
            .filter_map(|unit| unit.types.as_ref().ok());
        let found = types.filter_map(|types| types.method(path)).next();
        Ok(found.or_else(|| crate::special::BUILT_IN.method(path)))
    }

    /// Why there is no such method.
    pub async fn missing(self: &Arc<Self>, service: &str, method: &str) -> Result<String, Error> {
        let units = self.units().await?;
        if let Some(text) = units.iter().find_map(|unit| unit.types.as_ref().err()) {
            return Ok(text.clone());
        }
        let types = units.iter().filter_map(|unit| unit.types.as_ref().ok());
        if let Some(methods) = types.rev().find_map(|types| types.service(service)) {
            let names = list_of(methods.iter().map(String::as_str));
            return Ok(format!(
                "{service} has no method \"{method}\"; its methods are: {names}"
            ));
        }
        let files = list_of(units.iter().map(|unit| unit.path.as_str()));
        Ok(format!(
            "no loaded file has the service \"{service}\" (loaded: {files})"
        ))
    }

    async fn units(self: &Arc<Self>) -> Result<&Vec<Unit>, Error> {
        let compiled = self.units.get_or_try_init(|| async {
            let schema = self.clone();
            tokio::task::spawn_blocking(move || compile(&schema.source)).await?
        });
        compiled.await
    }
}

fn compile(source: &[u8]) -> Result<Vec<Unit>, Error> {
    let mut reader = Reader::new(source);
    let (mut texts, mut units) = (Vec::new(), Vec::new());
    for _ in 0..reader.list()? {
        texts.push(reader.bytes()?);
    }
    for _ in 0..reader.list()? {
        units.push(unit(&mut reader, &texts)?);
    }
    Ok(units)
}

/// `[path, root, { name = number of its text }]`, or `[path, nil, number]` for a descriptor set.
fn unit(reader: &mut Reader<'_>, texts: &[&[u8]]) -> Result<Unit, Error> {
    if reader.list()? != 3 {
        return Err(malformed());
    }
    let path = reader.string()?.to_owned();
    let text = |reader: &mut Reader<'_>| match reader.next()? {
        Value::Int(number) => texts
            .get(number as usize - 1)
            .copied()
            .ok_or_else(malformed),
        _ => Err(malformed()),
    };
    let types = match reader.next()? {
        Value::Text(root) => {
            let root = String::from_utf8_lossy(root);
            let mut files = HashMap::new();
            for _ in 0..reader.map()? {
                let name = reader.string()?.to_owned();
                files.insert(name, text(reader)?.to_vec());
            }
            contained(|| Ok(Types::new(&compiled(Texts(files), &[&root])?)))
        }
        _ => {
            let bytes = text(reader)?;
            contained(|| Ok(Types::new(&descriptor_set(bytes)?)))
        }
    };
    Ok(Unit {
        types: types
            .map(Arc::new)
            .map_err(|error| format!("cannot use {path}: {error}")),
        path,
    })
}

/// A panic at one unit is an error of that unit: it must not keep the others from being used.
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

fn descriptor_set(bytes: &[u8]) -> Result<DescriptorPool, String> {
    let set: FileDescriptorSet =
        prost::Message::decode(bytes).map_err(|_| "it is no descriptor set".to_owned())?;
    let names: Vec<String> = set.file.iter().map(|file| file.name().to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    compiled(DescriptorSetFileResolver::new(set), &names).map_err(|error| {
        format!("{error} (protoc writes the imports along with --include_imports)")
    })
}

/// The files with what they import.
fn compiled(files: impl FileResolver + 'static, names: &[&str]) -> Result<DescriptorPool, String> {
    let mut resolver = ChainFileResolver::new();
    resolver.add(files);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = Compiler::with_file_resolver(resolver);
    // Debug has the line and the column.
    compiler
        .open_files(names)
        .map_err(|error| format!("{error:?}"))?;
    Ok(compiler.descriptor_pool())
}

/// Descriptors as a server's reflection gives them.
pub fn of_descriptors(set: FileDescriptorSet) -> Result<Types, String> {
    let names: Vec<String> = set.file.iter().map(|file| file.name().to_owned()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    contained(|| {
        let files = DescriptorSetFileResolver::new(set);
        Ok(Types::new(&compiled(files, &names)?))
    })
}

pub fn built_in() -> DescriptorPool {
    let own = [
        ("grpc/health/v1/health.proto", HEALTH),
        ("google/rpc/error_details.proto", ERROR_DETAILS),
    ];
    let files = own.map(|(name, text)| (name.to_owned(), text.into()));
    let names = [
        "any",
        "duration",
        "empty",
        "field_mask",
        "struct",
        "timestamp",
        "wrappers",
    ];
    let names: Vec<String> = names
        .iter()
        .map(|name| format!("google/protobuf/{name}.proto"))
        .collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.extend(own.map(|(name, _)| name));
    compiled(Texts(HashMap::from(files)), &names).expect("these files are part of the library")
}

struct Texts(HashMap<String, Vec<u8>>);

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let Some(text) = self.0.get(name) else {
            return Err(protox::Error::file_not_found(name));
        };
        let Ok(text) = std::str::from_utf8(text) else {
            return Err(protox::Error::new(format!("{name} is not UTF-8")));
        };
        File::from_source(name, text)
    }
}

/// `/package.Service/Method`, in its parts.
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

    /// What the Lua side sends of files that import nothing, by their names.
    fn loaded(files: &[(&str, &str)]) -> Vec<Unit> {
        let mut source = Vec::new();
        put_list(&mut source, files.len());
        for (_, text) in files {
            put_text(&mut source, text.as_bytes());
        }
        put_list(&mut source, files.len());
        for (k, (name, _)) in files.iter().enumerate() {
            put_list(&mut source, 3);
            put_text(&mut source, format!("protos/{name}").as_bytes());
            put_text(&mut source, name.as_bytes());
            put_map(&mut source, 1);
            put_text(&mut source, name.as_bytes());
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
            let units = loaded(&[("bad.proto", bad), ("good.proto", GOOD)]);
            let error = units[0].types.as_ref().expect_err(bad);
            assert!(
                error.starts_with("cannot use protos/bad.proto: "),
                "{error}"
            );
            let good = units[1].types.as_ref().expect("the other is good");
            assert!(good.method("/Good/Do").is_some());
        }
    }
}
