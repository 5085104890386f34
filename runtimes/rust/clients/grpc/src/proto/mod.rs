//! Compiles `.proto` texts, and completes descriptors from elsewhere, to descriptors in which every name is resolved.

mod check;
mod enumeration;
mod field;
mod file;
mod google;
mod message;
mod options;
mod parser;
mod resolve;
mod service;
mod source;
mod symbols;
mod tokens;

use std::collections::{HashSet, VecDeque};

pub use field::json_name;
pub use symbols::joined;

use crate::descriptor::File;
use file::parse;
use parser::Places;
use resolve::resolve;
use source::Source;
use symbols::says;

/// Whether this file of `google/protobuf` need not be loaded.
pub fn is_built_in(name: &str) -> bool {
    google::text(name).is_some()
}

/// Compiles the file `root` and its imports. An error begins with the name of the file, line and column.
pub fn compile<'t>(
    root: &str,
    text_of: impl Fn(&str) -> Option<&'t [u8]>,
) -> Result<Vec<File>, String> {
    let mut sources: Vec<Source> = Vec::new();
    let mut seen = HashSet::from([root.to_owned()]);
    let mut queue = VecDeque::from([(root.to_owned(), String::new())]);
    while let Some((name, gone)) = queue.pop_front() {
        let text = text_of(&name).or_else(|| google::text(&name)).ok_or(gone)?;
        let (file, places) = parse(&name, text).map_err(|error| format!("{name}:{error}"))?;
        for (k, import) in file.dependency.iter().enumerate() {
            if seen.insert(import.clone()) {
                let place = places.get(&[3, k as i32][..]).copied();
                let gone = says(&name, place, &format!("import '{import}' not found"));
                queue.push_back((import.clone(), gone));
            }
        }
        sources.push(Source { file, places });
    }
    resolve(&mut sources, true)?;
    checked(sources)
}

/// Completes files that arrive as descriptors with the imported files of `google/protobuf`. Other missing imports are
/// an error only if something in them is needed.
pub fn complete(files: Vec<File>) -> Result<Vec<File>, String> {
    let mut seen = HashSet::new();
    let mut sources: Vec<Source> = Vec::new();
    for file in files {
        if seen.insert(file.name.clone()) {
            let places = Places::new();
            sources.push(Source { file, places });
        }
    }
    let (mut lacking, mut at) = (Vec::new(), 0);
    while at < sources.len() {
        for import in sources[at].file.dependency.clone() {
            if !seen.insert(import.clone()) {
                continue;
            }
            match google::text(&import) {
                Some(text) => {
                    let (file, places) = parse(&import, text)?;
                    sources.push(Source { file, places });
                }
                None => lacking.push(format!(
                    "\"{import}\", which \"{}\" imports",
                    sources[at].file.name
                )),
            }
        }
        at += 1;
    }
    let whole = resolve(&mut sources, false).and_then(|()| checked(sources));
    whole.map_err(|error| match lacking.is_empty() {
        true => error,
        false => format!("it lacks {}: {error}", lacking.join(", and ")),
    })
}

fn checked(sources: Vec<Source>) -> Result<Vec<File>, String> {
    sources.iter().try_for_each(check::check)?;
    Ok(sources.into_iter().map(|source| source.file).collect())
}

#[cfg(test)]
mod tests;
