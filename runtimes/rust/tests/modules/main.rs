//! No module needs itself by way of others: each can be read, tested and moved with what it needs.

mod graph;
mod source;
mod tokens;

use std::path::Path;

use graph::Graph;

fn crates() -> Vec<std::path::PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![workspace.to_owned()];
    for within in ["clients", "examples"] {
        let entries = workspace.join(within).read_dir().expect("a folder");
        folders.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    folders.extend(["bench", "conformance"].map(|member| workspace.join(member)));
    folders.retain(|folder| folder.join("Cargo.toml").exists());
    folders
}

#[test]
fn no_module_of_the_workspace_is_in_a_circle() {
    let mut modules = 0;
    let mut circles = Vec::new();
    for folder in crates() {
        let roots = ["lib.rs", "main.rs"].map(|name| folder.join("src").join(name));
        let root = roots.iter().find(|root| root.exists());
        let graph = Graph::of_crate(root.expect("a crate has a root"));
        modules += graph.len();
        let of = folder.display();
        circles.extend(
            graph
                .circles()
                .iter()
                .map(|circle| format!("{of}: {circle}")),
        );
    }
    assert!(modules > 100, "only {modules} modules were found");
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

fn circles<const N: usize>(sources: [(&str, &str); N]) -> Vec<String> {
    let graph = Graph::of(&|module| {
        let path = module.join("::");
        let (_, text) = sources
            .iter()
            .find(|(name, _)| *name == path)
            .expect("a module");
        (*text).to_owned()
    });
    graph.circles()
}

#[test]
fn a_circle_is_found() {
    let found = circles([
        ("", "mod a; mod b; mod c;"),
        ("a", "use crate::b::B;"),
        ("b", "fn f() { crate::c::g() }"),
        ("c", "use std::fmt; use super::{a::{self as other, A}};"),
    ]);
    assert_eq!(found, ["a → b → c → a"]);
}

#[test]
fn a_re_export_leads_to_where_the_name_is_defined() {
    let root = "mod a; mod b; pub use a::A; pub use self::b::B as C;";
    let found = circles([("", root), ("a", "use crate::C;"), ("b", "struct B;")]);
    assert!(found.is_empty(), "{found:?}");
    let found = circles([("", root), ("a", "use crate::C;"), ("b", "use crate::A;")]);
    assert_eq!(found, ["a → b → a"]);
}

#[test]
fn a_child_does_not_need_its_parent() {
    let found = circles([
        ("", "mod a;"),
        ("a", "mod b; struct A;"),
        ("a::b", "use super::A;"),
    ]);
    assert_eq!(found, ["a → a::b → a"]);
    let found = circles([("", "mod a; const N: u8 = 1;"), ("a", "use crate::N;")]);
    assert_eq!(found, ["the crate's root → a → the crate's root"]);
}

#[test]
fn modules_in_braces_belong_to_their_file() {
    let found = circles([
        ("", "mod a; mod b;"),
        ("a", "pub mod c { use super::super::b::B; }"),
        ("b", "use crate::a::c::D;"),
    ]);
    assert_eq!(found, ["a → b → a"]);
}

#[test]
fn tests_and_text_do_not_count() {
    let found = circles([
        ("", "mod a; mod b;"),
        (
            "a",
            "use crate::b::B; /* a */ fn f() -> &'static str { \"crate::a::A\" }",
        ),
        (
            "b",
            "// crate::a\n#[cfg(test)] mod tests { use crate::a::A; fn g() {} }\nfn h() {}",
        ),
    ]);
    assert!(found.is_empty(), "{found:?}");
}
