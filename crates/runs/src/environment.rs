//! On what a run took place.

use std::path::Path;
use std::process::{Command, Stdio};

use fireclay_report::Environment;

/// Where a run takes place: processor, system, versions, and the commit of the repository that a folder is in, if it is in one.
/// Device, threads and seed are the caller's to add.
pub fn environment(folder: &Path, versions: Vec<(String, String)>) -> Environment {
    let git = |arguments: &[&str]| {
        let run = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        let output = run.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "HEAD"]).filter(|commit| !commit.is_empty());
    let changes = commit.as_ref().and_then(|_| git(&["status", "--porcelain", "--untracked-files=no"]));
    Environment {
        versions,
        system: Some(system()),
        cpu: processor(),
        git_dirty: changes.is_some_and(|changes| !changes.is_empty()),
        git_commit: commit,
        ..Environment::default()
    }
}

fn system() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let machine = format!("{}, {}", std::env::consts::OS, std::env::consts::ARCH);
    match name {
        Some(name) => format!("{} ({machine})", name.trim_matches('"')),
        None => machine,
    }
}

/// The processor's name, where the system tells it, with family and model: names alone do not tell generations apart.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let value = |name: &str| {
        let line =
            text.lines().find(|line| line.split(':').next().is_some_and(|found| found.trim() == name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let name = value("model name")?;
    Some(match (value("cpu family"), value("model")) {
        (Some(family), Some(model)) => format!("{name} (family {family}, model {model})"),
        _ => name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_in_no_repository_has_no_commit() {
        let scratch = tempfile::tempdir().unwrap();
        let found = environment(scratch.path(), vec![("fireclay".into(), "0.1.0".into())]);
        assert_eq!((found.git_commit, found.git_dirty), (None, false));
        assert!(found.system.is_some());
    }
}
