//! The names of a set of files, and the files that may use them.

use std::collections::{HashMap, HashSet};

use super::parser::Places;
use super::source::Source;
use super::tokens::Place;
use crate::descriptor::{Enum, Message, Range};

#[derive(Clone, Debug)]
pub enum What {
    Package,
    /// A message, with its extension ranges.
    Message(Vec<Range>),
    Enum,
    Service,
    /// A field, an enum value, a method …: a name without names inside.
    Leaf,
}

pub struct Symbol {
    pub what: What,
    /// The files that declare it; a package may have several.
    files: Vec<usize>,
}

pub struct Symbols {
    pub by_name: HashMap<String, Symbol>,
    /// The files whose names each file may use. `None`: every file may use all.
    visible: Option<Vec<HashSet<usize>>>,
    names: Vec<String>,
    pub extensions: HashMap<(String, i32), String>,
}

/// The place of a declaration in a file.
pub struct At<'p> {
    pub file: usize,
    pub name: String,
    pub places: &'p Places,
    pub path: Vec<i32>,
}

impl At<'_> {
    pub fn says<T>(&self, tail: &[i32], what: String) -> Result<T, String> {
        let mut path = self.path.clone();
        path.extend_from_slice(tail);
        Err(says(&self.name, self.places.get(&path).copied(), &what))
    }
}

pub fn says(file: &str, place: Option<Place>, what: &str) -> String {
    match place {
        Some(place) => format!("{file}:{}", place.says(what)),
        None => format!("{file}: {what}"),
    }
}

fn visible(sources: &[Source]) -> Vec<HashSet<usize>> {
    let by_name: HashMap<&str, usize> = sources
        .iter()
        .enumerate()
        .map(|(index, source)| (source.file.name.as_str(), index))
        .collect();
    let sees = |index: usize| {
        let imports = &sources[index].file.dependency;
        let mut seen = HashSet::from([index]);
        let mut queue: Vec<usize> = imports
            .iter()
            .filter_map(|name| by_name.get(name.as_str()).copied())
            .collect();
        while let Some(index) = queue.pop() {
            if seen.insert(index) {
                let file = &sources[index].file;
                let public = file.public_dependency.iter();
                queue.extend(public.filter_map(|import| {
                    let name = file.dependency.get(*import as usize)?;
                    by_name.get(name.as_str()).copied()
                }));
            }
        }
        seen
    };
    (0..sources.len()).map(sees).collect()
}

pub fn joined(scope: &str, name: &str) -> String {
    match scope {
        "" => name.to_owned(),
        _ => format!("{scope}.{name}"),
    }
}

impl Symbols {
    /// `strict`: a file may use only names of the files that it imports.
    pub fn new(sources: &[Source], strict: bool) -> Result<Self, String> {
        let mut symbols = Self {
            by_name: HashMap::new(),
            visible: strict.then(|| visible(sources)),
            names: sources.iter().map(|s| s.file.name.clone()).collect(),
            extensions: HashMap::new(),
        };
        for (index, source) in sources.iter().enumerate() {
            symbols.declare_file(index, source)?;
        }
        Ok(symbols)
    }

    fn declare_file(&mut self, index: usize, source: &Source) -> Result<(), String> {
        let Source { file, places } = source;
        let mut at = At {
            file: index,
            name: file.name.clone(),
            places,
            path: Vec::new(),
        };
        let package = file.package.as_str();
        let ends = package.match_indices('.').map(|(end, _)| end);
        for end in ends.chain([package.len()]).filter(|end| *end > 0) {
            let name = package[..end].to_owned();
            let symbol = self.by_name.entry(name).or_insert_with(|| Symbol {
                what: What::Package,
                files: Vec::new(),
            });
            if !matches!(symbol.what, What::Package) {
                let text = format!("\"{}\" is not a package elsewhere", &package[..end]);
                return at.says(&[2], text);
            }
            symbol.files.push(index);
        }
        for (k, message) in file.message_type.iter().enumerate() {
            self.declare_message(&mut at, [4, k as i32], package, message)?;
        }
        for (k, found) in file.enum_type.iter().enumerate() {
            self.declare_enum(&mut at, [5, k as i32], package, found)?;
        }
        for (k, service) in file.service.iter().enumerate() {
            let name = self.declare(&at, &[6, k as i32], package, &service.name, What::Service)?;
            for (m, method) in service.method.iter().enumerate() {
                let tail = [6, k as i32, 2, m as i32];
                self.declare(&at, &tail, &name, &method.name, What::Leaf)?;
            }
        }
        for (k, extension) in file.extension.iter().enumerate() {
            self.declare(&at, &[7, k as i32], package, &extension.name, What::Leaf)?;
        }
        Ok(())
    }

    fn declare(
        &mut self,
        at: &At<'_>,
        tail: &[i32],
        scope: &str,
        name: &str,
        what: What,
    ) -> Result<String, String> {
        let full = joined(scope, name);
        if name.is_empty() {
            return at.says(tail, format!("something in \"{scope}\" has no name"));
        }
        if let Some(other) = self.by_name.get(&full) {
            let other = &self.names[other.files[0]];
            let text = format!("\"{full}\" is defined already, in {other}");
            return at.says(tail, text);
        }
        let files = vec![at.file];
        self.by_name.insert(full.clone(), Symbol { what, files });
        Ok(full)
    }

    fn declare_message(
        &mut self,
        at: &mut At<'_>,
        place: [i32; 2],
        scope: &str,
        message: &Message,
    ) -> Result<(), String> {
        let what = What::Message(message.extension_range.clone());
        let name = self.declare(at, &place, scope, &message.name, what)?;
        at.path.extend(place);
        let fields = message.field.iter().map(|field| (2, &field.name));
        let extensions = message.extension.iter().map(|field| (6, &field.name));
        let oneofs = message.oneof_decl.iter().map(|oneof| (8, &oneof.name));
        let (mut last, mut index) = (0, 0);
        for (list, leaf) in fields.chain(extensions).chain(oneofs) {
            index = if list == last { index + 1 } else { 0 };
            last = list;
            self.declare(at, &[list, index], &name, leaf, What::Leaf)?;
        }
        for (k, nested) in message.nested_type.iter().enumerate() {
            self.declare_message(at, [3, k as i32], &name, nested)?;
        }
        for (k, found) in message.enum_type.iter().enumerate() {
            self.declare_enum(at, [4, k as i32], &name, found)?;
        }
        at.path.truncate(at.path.len() - 2);
        Ok(())
    }

    fn declare_enum(
        &mut self,
        at: &mut At<'_>,
        place: [i32; 2],
        scope: &str,
        found: &Enum,
    ) -> Result<(), String> {
        self.declare(at, &place, scope, &found.name, What::Enum)?;
        for (k, value) in found.value.iter().enumerate() {
            // As in C++, enum values belong to the scope around the enum.
            let tail = [place[0], place[1], 2, k as i32];
            self.declare(at, &tail, scope, &value.name, What::Leaf)?;
        }
        Ok(())
    }

    fn symbol(&self, name: &str, at: &At<'_>) -> Option<&Symbol> {
        let symbol = self.by_name.get(name)?;
        let sees = match &self.visible {
            Some(visible) => symbol.files.iter().any(|f| visible[at.file].contains(f)),
            None => true,
        };
        sees.then_some(symbol)
    }

    /// Finds a type, beginning in the innermost scope.
    pub fn find(
        &self,
        name: &str,
        scope: &str,
        at: &At<'_>,
        tail: &[i32],
    ) -> Result<(String, &Symbol), String> {
        if let Some(name) = name.strip_prefix('.') {
            return match self.symbol(name, at) {
                Some(symbol) => Ok((name.to_owned(), symbol)),
                None => self.not_defined(name, name, at, tail),
            };
        }
        let (first, is_whole) = match name.split_once('.') {
            Some((first, _)) => (first, false),
            None => (name, true),
        };
        let mut scope = scope;
        loop {
            let what = self.symbol(&joined(scope, first), at).map(|s| &s.what);
            let full = joined(scope, name);
            match what {
                Some(What::Message(_) | What::Enum) if is_whole => {
                    return match self.symbol(&full, at) {
                        Some(symbol) => Ok((full, symbol)),
                        None => self.not_defined(name, &full, at, tail),
                    };
                }
                Some(What::Leaf) | None => {}
                Some(_) if is_whole => {}
                // The symbol of the first part must contain the rest.
                Some(_) => {
                    return match self.symbol(&full, at) {
                        Some(symbol) => Ok((full, symbol)),
                        None => self.not_defined(name, &full, at, tail),
                    };
                }
            }
            scope = match (scope.rsplit_once('.'), scope) {
                (Some((outer, _)), _) => outer,
                (None, "") => return self.not_defined(name, name, at, tail),
                (None, _) => "",
            };
        }
    }

    fn not_defined<T>(
        &self,
        name: &str,
        full: &str,
        at: &At<'_>,
        tail: &[i32],
    ) -> Result<T, String> {
        let text = match self.by_name.get(full) {
            Some(symbol) => format!(
                "name '{name}' is not defined: \"{full}\" is in {}, which {} does not import",
                self.names[symbol.files[0]], at.name
            ),
            None if full != name => format!(
                "name '{name}' is not defined: it is looked for as \"{full}\"; with a dot before it, it is a full name"
            ),
            None => format!("name '{name}' is not defined"),
        };
        at.says(tail, text)
    }
}
