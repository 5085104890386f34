//! What one source file says about modules.

use std::collections::HashMap;

use crate::tokens::{Token, tokens};

/// The names from the crate's root to something: `crate::error::Error` is `["error", "Error"]`.
pub type Path = Vec<String>;

/// A path as a file writes it, and the module that it is written in.
pub struct Written {
    pub module: Path,
    pub names: Vec<String>,
}

#[derive(Default)]
pub struct Source {
    /// The modules that are files of their own.
    pub files: Vec<Path>,
    /// The modules in braces.
    pub inline: Vec<Path>,
    /// What `use` brings into a module: the path of the name in there, and what it stands for.
    pub imports: HashMap<Path, Written>,
    /// Every path that is used.
    pub uses: Vec<Written>,
}

/// Reads the file of `module`. Code for tests is left out: it may look at everything.
pub fn read(module: &[String], text: &str) -> Source {
    let mut reader = Reader {
        tokens: tokens(text),
        at: 0,
        module: module.to_vec(),
        source: Source::default(),
    };
    reader.items();
    reader.source
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
    module: Path,
    source: Source,
}

const TEST: [Token<'_>; 7] = [
    Token::Other(b'#'),
    Token::Other(b'['),
    Token::Name("cfg"),
    Token::Other(b'('),
    Token::Name("test"),
    Token::Other(b')'),
    Token::Other(b']'),
];

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn name(&self, ahead: usize) -> Option<&'a str> {
        match self.peek(ahead)? {
            Token::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Up to the brace that closes the module, or the end of the file.
    fn items(&mut self) {
        let mut depth = 0;
        while let Some(token) = self.peek(0) {
            if self.tokens[self.at..].starts_with(&TEST) {
                self.at += TEST.len();
                self.skip_item();
                continue;
            }
            match token {
                Token::Other(b'}') if depth == 0 => return,
                Token::Other(b'}') => depth -= 1,
                Token::Other(b'{') => depth += 1,
                Token::Name("mod") => {
                    self.module();
                    continue;
                }
                Token::Name("use") if self.name(1).is_some() => {
                    self.at += 1;
                    self.tree(Vec::new());
                    continue;
                }
                Token::Name(_) if self.peek(1) == Some(Token::Path) => {
                    self.path();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn module(&mut self) {
        let Some(name) = self.name(1) else {
            self.at += 1;
            return;
        };
        let mut path = self.module.clone();
        path.push(name.to_owned());
        let after = self.peek(2);
        self.at += 3;
        match after {
            Some(Token::Other(b'{')) => {
                self.source.inline.push(path.clone());
                let outer = std::mem::replace(&mut self.module, path);
                self.items();
                self.module = outer;
                self.at += 1;
            }
            _ => self.source.files.push(path),
        }
    }

    /// An item that is not read: up to its semicolon, or its closing brace.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while let Some(token) = self.peek(0) {
            self.at += 1;
            match token {
                Token::Other(b'{') => depth += 1,
                Token::Other(b'}') => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                Token::Other(b';') if depth == 0 => return,
                _ => {}
            }
        }
    }

    /// One tree of a `use`, after `names`.
    fn tree(&mut self, mut names: Vec<String>) {
        loop {
            match self.peek(0) {
                Some(Token::Name(name)) => names.push(name.to_owned()),
                Some(Token::Other(b'{')) => {
                    self.at += 1;
                    while !matches!(self.peek(0), None | Some(Token::Other(b'}'))) {
                        if self.peek(0) == Some(Token::Other(b',')) {
                            self.at += 1;
                        } else {
                            self.tree(names.clone());
                        }
                    }
                    self.at += 1;
                    return;
                }
                Some(Token::Other(b'*')) => {
                    self.at += 1;
                    self.used(names);
                    return;
                }
                _ => return,
            }
            self.at += 1;
            match self.peek(0) {
                Some(Token::Path) => self.at += 1,
                _ => break,
            }
        }
        if names.len() > 1 && names.last().is_some_and(|last| last == "self") {
            names.pop();
        }
        let mut alias = names.last().cloned();
        if self.peek(0) == Some(Token::Name("as")) {
            alias = self.name(1).map(str::to_owned);
            self.at += 2;
        }
        if let Some(alias) = alias {
            let mut place = self.module.clone();
            place.push(alias);
            let written = Written {
                module: self.module.clone(),
                names: names.clone(),
            };
            self.source.imports.insert(place, written);
        }
        self.used(names);
    }

    /// A path in code.
    fn path(&mut self) {
        let mut names = Vec::new();
        while let Some(name) = self.name(0) {
            names.push(name.to_owned());
            self.at += 1;
            match self.peek(0) {
                Some(Token::Path) => self.at += 1,
                _ => break,
            }
        }
        self.used(names);
    }

    fn used(&mut self, names: Vec<String>) {
        let module = self.module.clone();
        self.source.uses.push(Written { module, names });
    }
}
