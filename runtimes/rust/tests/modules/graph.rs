//! Which module of a crate needs which.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fs;
use std::path::{self, PathBuf};

use crate::source::{Path, Source, Written, read};

/// The modules that are files, and for each the others whose names it uses. A module needs those that it declares.
#[derive(Default)]
pub struct Graph {
    needs: BTreeMap<Path, BTreeSet<Path>>,
}

/// Re-exports of re-exports that are followed.
const HOPS: usize = 16;

impl Graph {
    /// Of the crate whose root is this file.
    pub fn of_crate(root: &path::Path) -> Self {
        let folder = root.parent().expect("a file is in a folder");
        Self::of(&|module| {
            let file = match module {
                [] => root.to_owned(),
                _ => file_of(&folder.join(module.join("/"))),
            };
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        })
    }

    /// Of a crate whose sources `text` returns by their modules.
    pub fn of(text: &dyn Fn(&[String]) -> String) -> Self {
        let mut sources = HashMap::new();
        let mut rest = vec![Path::new()];
        while let Some(module) = rest.pop() {
            let source = read(&module, &text(&module));
            rest.extend(source.files.iter().cloned());
            sources.insert(module, source);
        }
        let names = Names::new(&sources);
        let mut graph = Self::default();
        for (module, source) in &sources {
            let needs = graph.needs.entry(module.clone()).or_default();
            needs.extend(source.files.iter().cloned());
            needs.extend(source.uses.iter().filter_map(|used| names.file(used)));
            needs.remove(module);
        }
        graph
    }

    pub fn len(&self) -> usize {
        self.needs.len()
    }

    /// For each module that needs itself, by way of others, the shortest way: `a → b → a`.
    pub fn circles(&self) -> Vec<String> {
        let mut found = BTreeSet::new();
        let mut circles = Vec::new();
        for module in self.needs.keys() {
            if let Some(circle) = self.circle(module) {
                // The same circle begins at each of its modules.
                if found.insert(circle.iter().cloned().collect::<BTreeSet<_>>()) {
                    let shown: Vec<_> = circle.iter().chain([module]).map(|m| shown(m)).collect();
                    circles.push(shown.join(" → "));
                }
            }
        }
        circles
    }

    fn circle(&self, start: &Path) -> Option<Vec<Path>> {
        let mut from: BTreeMap<&Path, &Path> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(module) = queue.pop_front() {
            for next in &self.needs[module] {
                if next == start {
                    let mut circle = vec![module.clone()];
                    let mut at = module;
                    while let Some(before) = from.get(at).filter(|_| at != start) {
                        circle.push((*before).clone());
                        at = before;
                    }
                    circle.reverse();
                    return Some(circle);
                }
                if !from.contains_key(next) {
                    from.insert(next, module);
                    queue.push_back(next);
                }
            }
        }
        None
    }
}

fn file_of(path: &path::Path) -> PathBuf {
    let file = path.with_extension("rs");
    if file.exists() {
        file
    } else {
        path.join("mod.rs")
    }
}

fn shown(module: &[String]) -> String {
    match module {
        [] => "the crate's root".to_owned(),
        _ => module.join("::"),
    }
}

struct Names<'a> {
    files: BTreeSet<&'a Path>,
    modules: BTreeSet<&'a Path>,
    imports: HashMap<&'a Path, &'a Written>,
}

impl<'a> Names<'a> {
    fn new(sources: &'a HashMap<Path, Source>) -> Self {
        let inline = sources.values().flat_map(|source| &source.inline);
        Self {
            files: sources.keys().collect(),
            modules: sources.keys().chain(inline).collect(),
            imports: sources.values().flat_map(|s| &s.imports).collect(),
        }
    }

    /// The file that defines what a path leads to; `None` outside of the crate.
    fn file(&self, written: &Written) -> Option<Path> {
        let mut path = self.absolute(written)?;
        for _ in 0..HOPS {
            // The module that the path leads into, and the name in there.
            let depth = (0..path.len())
                .rev()
                .find(|depth| self.modules.contains(&path[..*depth].to_vec()))?;
            if self.modules.contains(&path) {
                break;
            }
            let Some(import) = self.imports.get(&path[..=depth].to_vec()) else {
                break;
            };
            let rest = path.split_off(depth + 1);
            path = self.absolute(import)?;
            path.extend(rest);
        }
        (0..=path.len())
            .rev()
            .map(|depth| path[..depth].to_vec())
            .find(|prefix| self.files.contains(prefix))
    }

    /// From the crate's root on.
    fn absolute(&self, written: &Written) -> Option<Path> {
        let mut path = written.module.clone();
        let mut names = written.names.iter().map(String::as_str).peekable();
        match *names.peek()? {
            "crate" => {
                names.next();
                path.clear();
            }
            "self" => {
                names.next();
            }
            "super" => {
                while names.next_if_eq(&"super").is_some() {
                    path.pop();
                }
            }
            first => {
                let mut local = path.clone();
                local.push(first.to_owned());
                let import = self.imports.get(&local);
                // `use tokio::sync` is an import of its own first name nowhere: that is another crate.
                let imported = import.is_some_and(|import| import.names.as_slice() != [first]);
                if !self.modules.contains(&local) && !imported {
                    return None;
                }
            }
        }
        path.extend(names.map(str::to_owned));
        Some(path)
    }
}
