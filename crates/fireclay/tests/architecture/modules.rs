//! Which module of a crate names which: the tree of modules, the paths written in each, and where they lead.
//!
//! A path counts if it begins with `crate`, `super` or `self`, in `use` items, code and macros alike. What stands in
//! attributes and under `#[cfg(test)]` does not count. A name that a parent re-exports leads to the child that it comes
//! from, so that `crate::Dataset` is an edge to `dataset` and not to the crate's front page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::tokens::{Token, tokens};

/// One module: what it declares, what it brings into scope, and which paths it names.
#[derive(Default)]
struct Module {
    path: Vec<String>,
    file: PathBuf,
    children: Vec<String>,
    items: BTreeSet<String>,
    imports: BTreeMap<String, Vec<String>>,
    globs: Vec<Vec<String>>,
    named: Vec<(Vec<String>, usize)>,
}

/// A crate's modules by their paths; the crate's own is the empty path.
pub struct Modules {
    modules: BTreeMap<Vec<String>, Module>,
}

/// For each module, the siblings that it names, with the place of the first mention.
pub type Graph = BTreeMap<String, BTreeMap<String, String>>;

impl Modules {
    /// Reads the crate whose folder is `folder`; places in files are told relative to `root`.
    pub fn read(folder: &Path, root: &Path) -> Self {
        let source = folder.join("src");
        let file = ["lib.rs", "main.rs"].map(|name| source.join(name)).into_iter().find(|file| file.exists());
        let mut found = Self { modules: BTreeMap::new() };
        found.read_file(&file.expect("a crate has lib.rs or main.rs"), &source, Vec::new(), root);
        found
    }

    fn read_file(&mut self, file: &Path, folder: &Path, path: Vec<String>, root: &Path) {
        let tokens = tokens(&std::fs::read_to_string(file).unwrap());
        let file = file.strip_prefix(root).unwrap_or(file).to_path_buf();
        self.modules.insert(path.clone(), Module { path: path.clone(), file, ..Module::default() });
        self.read_items(&tokens, 0..tokens.len(), folder, &path, root);
    }

    /// Reads what stands in `range`, which is a module's items or, within braces, anything.
    fn read_items(
        &mut self,
        tokens: &[Token],
        range: std::ops::Range<usize>,
        folder: &Path,
        path: &[String],
        root: &Path,
    ) {
        let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
        let mut exported = false;
        let mut at = range.start;
        while at < range.end {
            match text(at) {
                "#" if text(at + 1) == "[" || text(at + 1) == "!" && text(at + 2) == "[" => {
                    let open = if text(at + 1) == "[" { at + 1 } else { at + 2 };
                    let close = tokens[open].close;
                    let has = |word: &str| (open..close).any(|at| text(at) == word);
                    exported |= text(open + 1) == "macro_export";
                    let for_tests = text(open + 1) == "cfg" && (has("test") || has("doctest")) && !has("not");
                    at = if for_tests { end_of_item(tokens, close + 1) } else { close } + 1;
                }
                "mod" if tokens[at + 1].is_word() && text(at + 2) == ";" => {
                    let name = text(at + 1);
                    let file = [folder.join(format!("{name}.rs")), folder.join(name).join("mod.rs")];
                    if let Some(file) = file.iter().find(|file| file.exists()) {
                        let child = self.declare(path, name);
                        self.read_file(file, &folder.join(name), child, root);
                    }
                    at += 3;
                }
                "mod" if tokens[at + 1].is_word() && text(at + 2) == "{" => {
                    let child = self.declare(path, text(at + 1));
                    let file = self.modules[path].file.clone();
                    self.modules
                        .insert(child.clone(), Module { path: child.clone(), file, ..Module::default() });
                    let close = tokens[at + 2].close;
                    self.read_items(tokens, at + 3..close, &folder.join(text(at + 1)), &child, root);
                    at = close + 1;
                }
                "use" if tokens[at].is_word() && tokens.get(at + 1).is_some_and(|next| next.text != "<") => {
                    at = self.read_use(tokens, at + 1, &[], path) + 1;
                }
                "crate" | "super" | "self"
                    if text(at + 1) == "::" && at > 0 && !["::", "in"].contains(&text(at - 1)) =>
                {
                    let line = tokens[at].line;
                    let mut named = vec![text(at).to_string()];
                    at += 1;
                    while text(at) == "::" && tokens.get(at + 1).is_some_and(Token::is_word) {
                        named.push(text(at + 1).to_string());
                        at += 2;
                    }
                    self.of(path).named.push((named, line));
                }
                "macro_rules" if text(at + 1) == "!" => {
                    let name = text(at + 2).to_string();
                    if std::mem::take(&mut exported) {
                        let target = ["crate"].into_iter().map(String::from).chain(path.iter().cloned());
                        let target = target.chain([name.clone()]).collect();
                        self.of(&[]).imports.entry(name.clone()).or_insert(target);
                    }
                    self.of(path).items.insert(name);
                    at += 3;
                }
                "struct" | "enum" | "fn" | "trait" | "type" | "const" | "static" | "union" => {
                    let name = (at + 1..at + 4).find(|at| {
                        tokens.get(*at).is_some_and(Token::is_word)
                            && !["mut", "unsafe", "extern", "fn", "async"].contains(&text(*at))
                    });
                    self.of(path).items.extend(name.map(|at| text(at).to_string()));
                    exported = false;
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    fn of(&mut self, path: &[String]) -> &mut Module {
        self.modules.get_mut(path).expect("a module is entered before what it holds")
    }

    fn declare(&mut self, parent: &[String], name: &str) -> Vec<String> {
        self.of(parent).children.push(name.to_string());
        parent.iter().cloned().chain([name.to_string()]).collect()
    }

    /// Reads one tree of a `use`, and gives the place of the `;`, `,` or `}` behind it.
    fn read_use(&mut self, tokens: &[Token], mut at: usize, prefix: &[String], path: &[String]) -> usize {
        let mut named = prefix.to_vec();
        let line = tokens[at].line;
        loop {
            match tokens[at].text.as_str() {
                "::" => at += 1,
                "{" => {
                    let close = tokens[at].close;
                    at += 1;
                    while at < close {
                        at = self.read_use(tokens, at, &named, path);
                        at += usize::from(tokens[at].text == ",");
                    }
                    return close + 1;
                }
                "*" => {
                    self.of(path).globs.push(named.clone());
                    self.of(path).named.push((named, line));
                    return at + 1;
                }
                word => {
                    if word != "self" || named.is_empty() {
                        named.push(word.to_string());
                    }
                    at += 1;
                    if tokens[at].text == "::" {
                        continue;
                    }
                    let mut name = named.last().cloned().unwrap_or_default();
                    if tokens[at].text == "as" {
                        name.clone_from(&tokens[at + 1].text);
                        at += 2;
                    }
                    self.of(path).imports.insert(name, named.clone());
                    self.of(path).named.push((named, line));
                    return at;
                }
            }
        }
    }

    /// `named`, as written in `module`, from the crate's root on; `None` if it leads into another crate.
    fn absolute(&self, module: &Module, named: &[String]) -> Option<Vec<String>> {
        let relative = |from: &[String], rest: &[String]| Some([from, rest].concat());
        match named.first()?.as_str() {
            "crate" => relative(&[], &named[1..]),
            "self" | "super" => {
                let steps =
                    named.iter().take_while(|step| ["self", "super"].contains(&step.as_str())).count();
                let up = named[..steps].iter().filter(|step| *step == "super").count();
                relative(&module.path[..module.path.len().saturating_sub(up)], &named[steps..])
            }
            first if module.children.iter().any(|child| child == first) => relative(&module.path, named),
            first => {
                let import = module.imports.get(first).filter(|import| import[0] != first)?;
                self.absolute(module, &[import, &named[1..]].concat())
            }
        }
    }

    /// The module that `path`, counted from the root and written in `from`, leads to. What a parent of `from` re-exports
    /// is followed; what another module re-exports is that module's.
    fn lead(&self, from: &Module, path: &[String], followed: &mut BTreeSet<Vec<String>>) -> Option<&Module> {
        let mut module = &self.modules[&[][..]];
        for (at, step) in path.iter().enumerate() {
            if module.children.contains(step) {
                module = &self.modules[&path[..=at]];
                continue;
            }
            if module.items.contains(step) || !from.path.starts_with(&module.path) {
                return Some(module);
            }
            if !followed.insert(path.to_vec()) {
                return None;
            }
            if let Some(import) = module.imports.get(step) {
                let target = self.absolute(module, &[import, &path[at + 1..]].concat())?;
                return self.lead(from, &target, followed);
            }
            for glob in &module.globs {
                let Some(target) = self.absolute(module, &[glob, &path[at..]].concat()) else { continue };
                let end = self.lead(from, &target, followed);
                if end.is_some_and(|end| end.items.contains(step) || end.imports.contains_key(step)) {
                    return end;
                }
            }
            return Some(module);
        }
        Some(module)
    }

    /// The graph of the children of each module that has some; the crate's own children stand under the empty name.
    pub fn graphs(&self) -> BTreeMap<String, Graph> {
        let mut graphs: BTreeMap<String, Graph> = BTreeMap::new();
        for from in self.modules.values() {
            for (named, line) in &from.named {
                let end =
                    self.absolute(from, named).and_then(|path| self.lead(from, &path, &mut BTreeSet::new()));
                let Some(to) = end else { continue };
                let shared = from.path.iter().zip(&to.path).take_while(|(a, b)| a == b).count();
                let (Some(user), Some(used)) = (from.path.get(shared), to.path.get(shared)) else { continue };
                let graph = graphs.entry(from.path[..shared].join("::")).or_default();
                graph.entry(used.clone()).or_default();
                let place = || format!("{}:{line} {}", from.file.display(), named.join("::"));
                graph.entry(user.clone()).or_default().entry(used.clone()).or_insert_with(place);
            }
        }
        graphs
    }
}

/// The last token of the item that begins at `at`: its `;` or its closing brace.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let mut ends_with_semicolon = false;
    while at < tokens.len() {
        match tokens[at].text.as_str() {
            "use" | "static" | "type" | "let" => ends_with_semicolon = true,
            "const" => ends_with_semicolon = tokens[at + 1].text != "fn",
            ";" => return at,
            "{" if !ends_with_semicolon => return tokens[at].close,
            "{" | "(" | "[" => at = tokens[at].close,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The groups of modules that name each other in a circle.
pub fn circles(graph: &Graph) -> Vec<BTreeSet<String>> {
    let reach = |start: &String| {
        let mut reached = BTreeSet::new();
        let mut waiting: Vec<&String> = graph[start].keys().collect();
        while let Some(module) = waiting.pop() {
            if reached.insert(module.clone()) {
                waiting.extend(graph[module].keys());
            }
        }
        reached
    };
    let reached: BTreeMap<&String, BTreeSet<String>> =
        graph.keys().map(|module| (module, reach(module))).collect();
    let circle = |module: &String| {
        reached[module].iter().filter(|other| reached[*other].contains(module)).cloned().collect()
    };
    let mut found: Vec<BTreeSet<String>> =
        graph.keys().map(circle).filter(|circle: &BTreeSet<String>| !circle.is_empty()).collect();
    found.dedup();
    let mut seen = BTreeSet::new();
    found.retain(|circle| seen.insert(circle.clone()));
    found
}

#[test]
fn paths_lead_to_the_modules_that_they_name() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("src");
    std::fs::create_dir_all(source.join("b")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(source.join(name), text).unwrap();
    write(
        "lib.rs",
        "mod a;\nmod b;\nmod c;\npub use a::A;\npub use b::*;\n\
         mod d { use super::c::C as Other; #[cfg(test)] mod tests { use crate::a::A; } fn f(_: Other) {} }",
    );
    write(
        "a.rs",
        "pub struct A;\n#[doc = \"crate::c\"]\npub(in crate::c) fn f() { assert!(crate::B::new().ok()); }",
    );
    write(
        "b/mod.rs",
        "mod first;\nmod second;\npub use first::B;\n#[cfg(test)]\nuse crate::c::{C};\nfn g() {}",
    );
    write("b/first.rs", "pub struct B;\nuse super::{second::{self, S}};\nuse crate::{A};");
    write("b/second.rs", "pub struct S; fn f(_: super::B) {}");
    write("c.rs", "pub struct C; fn f(_: &'static crate::A) -> char { '\"' }");

    let graphs = Modules::read(folder.path(), folder.path()).graphs();
    let edges = |name: &str| -> Vec<String> {
        let edge = |(user, used): (&String, &BTreeMap<String, String>)| {
            used.keys().map(|used| format!("{user} {used}")).collect::<Vec<_>>()
        };
        graphs[name].iter().flat_map(edge).collect()
    };
    assert_eq!(edges(""), ["a b", "b a", "c a", "d c"]);
    assert_eq!(edges("b"), ["first second", "second first"]);
    assert_eq!(graphs[""]["a"]["b"], "src/a.rs:3 crate::B::new");
    let circle = |names: &[&str]| -> BTreeSet<String> { names.iter().map(ToString::to_string).collect() };
    assert_eq!(circles(&graphs[""]), [circle(&["a", "b"])]);
    assert_eq!(circles(&graphs["b"]), [circle(&["first", "second"])]);
}
