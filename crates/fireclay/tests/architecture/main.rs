//! The map matches the territory: `ARCHITECTURE.md` has a section for each crate and app and for the benchmark, and for
//! nothing else; a crate imports only crates above it, and modules do not import each other in a circle.
//!
//! `cargo test -p fireclay --test architecture graph -- --nocapture` prints who imports whom.

mod modules;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::modules::{Graph, Modules, circles};

/// What a crate never imports, although it may stand above it or be anyone's: what the crate is free of.
const NEVER: [(&str, &[&str]); 19] = [
    ("kernels", &["burn"]),
    ("backend", &["fireclay-data", "serde", "clap"]),
    ("data", &["burn", "fireclay-backend", "csv", "flate2", "image", "tar", "ureq", "zip", "clap"]),
    ("datasets", &["burn", "fireclay-backend", "fireclay-nn", "clap"]),
    ("tabular", &["burn", "fireclay-backend", "fireclay-datasets", "fireclay-nn", "csv", "clap", "ureq"]),
    ("text", &["burn", "fireclay-backend", "fireclay-datasets", "fireclay-nn", "clap", "ureq"]),
    ("nn", &["fireclay-datasets", "fireclay-text", "clap", "ureq"]),
    ("store", &["fireclay-datasets", "clap", "ureq"]),
    ("exchange", &["fireclay-datasets", "clap", "ureq"]),
    ("tensorboard", &["burn", "fireclay-backend", "fireclay-data", "image", "clap", "ureq"]),
    ("distribute", &["burn", "fireclay-backend", "fireclay-data", "clap", "ureq"]),
    ("federate", &["burn", "fireclay-backend", "fireclay-nn", "clap", "ureq"]),
    ("train", &["fireclay-datasets", "clap", "ratatui", "ureq"]),
    ("tune", &["burn", "fireclay-backend", "fireclay-data", "clap", "ureq"]),
    (
        "report",
        &["burn", "fireclay-backend", "fireclay-data", "fireclay-nn", "fireclay-train", "clap", "ureq"],
    ),
    ("runs", &["fireclay-datasets", "clap", "ratatui", "ureq"]),
    ("compress", &["clap"]),
    ("explain", &["clap"]),
    ("serve", &["clap"]),
];

/// Imports that are still against the order. Nothing is added here.
const KNOWN_IMPORTS: [(&str, &str); 0] = [];

/// Modules that still import each other in a circle, by the module that holds them. Nothing is added here.
const KNOWN_CIRCLES: [&str; 0] = [];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn folders(parent: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root().join(parent))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap().to_string_lossy().into_owned()
}

/// The headings of `ARCHITECTURE.md` that name a folder, in order.
fn described() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let heading = |line: &str| Some(line.strip_prefix("### `")?.strip_suffix('`')?.to_string());
    text.lines().filter_map(heading).collect()
}

/// For each crate and app, the packages that its `[dependencies]` name, those for one platform included.
fn imports(parent: &str) -> BTreeMap<String, Vec<String>> {
    let imports = |folder: PathBuf| {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let mut inside = false;
        let mut found = Vec::new();
        for line in text.lines() {
            if line.starts_with('[') {
                inside = line.ends_with("dependencies]") && !line.contains("dev-dependencies");
            } else if inside && line.starts_with(|first: char| first.is_alphabetic()) {
                found.extend(line.split(['.', ' ', '=']).next().map(String::from));
            }
        }
        (name(&folder), found)
    };
    folders(parent).into_iter().map(imports).collect()
}

/// The crate of ours that the package is, by its folder.
fn ours(package: &str) -> Option<&str> {
    if package == "fireclay" { Some(package) } else { package.strip_prefix("fireclay-") }
}

/// The graphs of every crate's modules, by the module that holds them: `nn`, `nn::layers`.
fn graphs() -> BTreeMap<String, Graph> {
    let root = root();
    let mut graphs = BTreeMap::new();
    for folder in folders("crates") {
        for (path, graph) in Modules::read(&folder, &root).graphs() {
            let holder = if path.is_empty() { name(&folder) } else { format!("{}::{path}", name(&folder)) };
            graphs.insert(holder, graph);
        }
    }
    graphs
}

#[test]
fn every_crate_has_its_section() {
    let there = ["crates", "apps"].into_iter().flat_map(|parent| {
        folders(parent).into_iter().map(move |folder| format!("{parent}/{}", name(&folder)))
    });
    let there: BTreeSet<String> = there.chain(["bench".to_string()]).collect();
    assert_eq!(BTreeSet::from_iter(described()), there);
}

/// A file that no `mod` line names is not compiled, whatever it holds.
#[test]
fn every_file_beside_a_table_is_in_it() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let files = text.lines().filter_map(|line| line.strip_prefix("| a")?.split('`').nth(1));
    let folders: Vec<&str> = files.filter_map(|file| file.strip_suffix("/NAME.rs")).collect();
    assert!(folders.len() >= 8, "the table of what can be added: {folders:?}");
    for folder in folders {
        let table = std::fs::read_to_string(root().join(folder).join("mod.rs")).unwrap();
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        for name in entries.filter_map(|path| Some(path.file_stem()?.to_str()?.to_string())) {
            let is_named =
                table.lines().any(|line| line.trim_start_matches("pub ") == format!("mod {name};"));
            assert!(name == "mod" || is_named, "{folder}/mod.rs has no line `mod {name};`");
        }
    }
}

#[test]
fn a_crate_imports_only_crates_above_it() {
    let order = described();
    let place = |folder: String| {
        let found = order.iter().position(|heading| *heading == folder);
        found.unwrap_or_else(|| panic!("ARCHITECTURE.md has no section `{folder}`"))
    };
    let mut wrong = BTreeSet::new();
    for (name, packages) in imports("crates") {
        let never = NEVER.iter().find(|(user, _)| *user == name).map_or(&[][..], |(_, never)| never);
        for package in &packages {
            let above = |import| place(format!("crates/{import}")) < place(format!("crates/{name}"));
            if never.contains(&package.as_str()) || ours(package).is_some_and(|import| !above(import)) {
                wrong.insert((name.clone(), package.clone()));
            }
        }
    }
    let known = KNOWN_IMPORTS.map(|(user, used)| (user.to_string(), used.to_string()));
    assert_eq!(wrong, BTreeSet::from(known), "the left imports the right, and must not");
}

#[test]
fn programs_stand_on_the_front_door_and_on_nothing_beside_it() {
    for (name, packages) in imports("apps") {
        let ours: Vec<&str> = packages.iter().filter_map(|package| ours(package)).collect();
        assert!(
            ours.iter().all(|import| ["fireclay", "cli"].contains(import)),
            "apps/{name} imports {ours:?}"
        );
        let other =
            folders("apps").iter().map(|folder| self::name(folder)).find(|other| packages.contains(other));
        assert_eq!(other.filter(|other| *other != "fireclay"), None, "apps/{name} imports another program");
    }
}

#[test]
fn modules_import_each_other_in_no_circle() {
    let mut complaint = String::new();
    let mut unknown = 0;
    let mut found = BTreeSet::new();
    for (holder, graph) in graphs() {
        for circle in circles(&graph) {
            found.insert(holder.clone());
            if KNOWN_CIRCLES.contains(&holder.as_str()) {
                continue;
            }
            unknown += 1;
            complaint += &format!("\n{holder}: {}\n", Vec::from_iter(circle.iter().cloned()).join(", "));
            for user in &circle {
                for (used, place) in graph[user].iter().filter(|(used, _)| circle.contains(*used)) {
                    complaint += &format!("    {user} -> {used}: {place}\n");
                }
            }
        }
    }
    assert_eq!(unknown, 0, "modules that import each other in a circle:{complaint}");
    for known in KNOWN_CIRCLES {
        assert!(found.contains(known), "{known} has no circle any more: strike it from KNOWN_CIRCLES");
    }
}

/// Prints the graphs as Mermaid, which renders in Markdown; fails only if there is nothing to print.
#[test]
#[allow(clippy::print_stdout, reason = "it is asked for with --nocapture")]
fn graph() {
    let crates = imports("crates");
    println!("%% crates\ngraph TD");
    for (user, packages) in &crates {
        for used in packages.iter().filter_map(|package| ours(package)) {
            println!("    {user} --> {used}");
        }
    }
    let graphs = graphs();
    for (holder, graph) in &graphs {
        println!("\n%% {holder}\ngraph TD");
        for (user, used) in graph {
            for used in used.keys() {
                println!("    {user} --> {used}");
            }
        }
    }
    assert!(crates.values().any(|imports| !imports.is_empty()) && graphs.contains_key("nn"));
}
