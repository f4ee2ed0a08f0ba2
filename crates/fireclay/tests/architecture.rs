//! The map matches the territory: `ARCHITECTURE.md` has a section for each crate and app and for the benchmark, and for
//! nothing else.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn every_crate_has_its_section() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let described: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .map(String::from)
        .collect();
    let folders = ["crates", "apps"].into_iter().flat_map(|parent| {
        std::fs::read_dir(root.join(parent))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("Cargo.toml").exists())
            .map(move |path| format!("{parent}/{}", path.file_name().unwrap().to_string_lossy()))
    });
    assert_eq!(described, folders.chain(["bench".to_string()]).collect());
}
