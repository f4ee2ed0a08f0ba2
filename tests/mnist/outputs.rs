//! Files and streams that results are written to: what cannot be written is an error before the work, nothing but regular files
//! is replaced, and no result is lost in silence.

#![cfg(unix)]

use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Run, fail, mnist, run, scratch, succeed};

const TRAIN: [&str; 7] = ["train", "--model", "softmax", "--data-dir", "data", "--epochs", "1"];

fn train<'a>(extra: &[&'a str]) -> Vec<&'a str> {
    TRAIN.into_iter().chain(extra.iter().copied()).collect()
}

#[test]
fn a_link_is_followed_and_a_pipe_stays() {
    let folder = scratch();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("models")).unwrap();
    symlink("models/digits.fireclay", path("link.fireclay")).unwrap();
    succeed(folder.path(), &train(&["--out", "link.fireclay"]));
    assert!(path("link.fireclay").is_symlink() && path("models/digits.fireclay").is_file());

    assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let run = fail(folder.path(), &train(&["--out", "pipe"]), 2, &["pipe", "not a regular file", "--out"]);
    assert_eq!(run.stdout, "", "nothing was trained");
    fail(folder.path(), &["data", "--data-dir", "data", "--sheet", "pipe"], 2, &["a pipe", "--sheet"]);
    assert!(std::fs::metadata(path("pipe")).unwrap().file_type().is_fifo());
}

#[test]
fn a_file_that_may_only_be_read_is_refused_before_the_training() {
    let folder = scratch();
    let model = folder.path().join("m.fireclay");
    std::fs::write(&model, "precious").unwrap();
    let mut permissions = std::fs::metadata(&model).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&model, permissions).unwrap();
    let run = fail(folder.path(), &train(&["--out", "m.fireclay"]), 2, &["m.fireclay", "may only be read"]);
    assert_eq!(run.stdout, "", "nothing was trained");
    assert_eq!(std::fs::read(&model).unwrap(), b"precious");
}

#[test]
fn results_that_do_not_fit_on_the_disk_are_an_error() {
    let folder = scratch();
    succeed(folder.path(), &train(&["--out", "m.fireclay"]));
    // A file may grow to 1 KiB, and the signal that says so is ignored.
    let limited = |arguments: &str| -> Run {
        let program = mnist(folder.path());
        let words = format!("trap '' XFSZ; ulimit -f 1; exec \"$0\" {arguments} > out.txt");
        let mut shell = Command::new("bash");
        shell.current_dir(folder.path()).args(["-c", &words]).arg(program.get_program());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.stdin(Stdio::null()).output().unwrap().into()
    };
    let run = limited("evaluate m.fireclay --data-dir data");
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("standard output cannot be written"), "{run:?}");
    let run = limited("--version");
    assert_eq!(run.code, Some(0), "{run:?}");
}

#[test]
fn a_training_goes_on_after_its_folder_was_renamed_or_where_out_says() {
    let folder = scratch();
    let project = folder.path().join("my project");
    std::fs::create_dir(&project).unwrap();
    std::fs::rename(folder.path().join("data"), project.join("data")).unwrap();
    interrupt(&project);
    let renamed = folder.path().join("renamed");
    std::fs::rename(&project, &renamed).unwrap();
    std::fs::copy(renamed.join("m.fireclay.checkpoint"), renamed.join("again.checkpoint")).unwrap();
    let resumed = succeed(&renamed, &["train", "--resume", "m.fireclay.checkpoint"]);
    assert!(resumed.stderr.contains("my project is gone"), "{resumed:?}");
    assert!(renamed.join("m.fireclay").is_file() && !project.exists());
    succeed(&renamed, &["train", "--resume", "again.checkpoint", "--out", "other.fireclay"]);
    let read = |name: &str| std::fs::read(renamed.join(name)).unwrap();
    assert!(read("m.fireclay") == read("other.fireclay"), "the bytes differ");

    let words = ["m.fireclay is a finished model", "train --epochs N"];
    fail(&renamed, &["train", "--resume", "m.fireclay"], 2, &words);
}

#[test]
fn a_run_goes_on_after_its_project_was_renamed_and_after_its_folder_was_moved() {
    let folder = scratch();
    let project = folder.path().join("my project");
    std::fs::create_dir(&project).unwrap();
    std::fs::rename(folder.path().join("data"), project.join("data")).unwrap();
    interrupt_with(&project, &["--run", "long"]);
    let renamed = folder.path().join("renamed");
    std::fs::rename(&project, &renamed).unwrap();
    std::fs::create_dir(renamed.join("kept")).unwrap();
    let resumed = succeed(&renamed, &["train", "--resume", "runs/long"]);
    assert!(resumed.stderr.contains("my project is gone"), "{resumed:?}");
    assert!(renamed.join("m.fireclay").is_file() && renamed.join("runs/long/report.html").is_file());
    assert!(!project.exists());

    interrupt_with(&renamed, &["--run", "other"]);
    std::fs::rename(renamed.join("runs/other"), renamed.join("kept/other")).unwrap();
    succeed(&renamed, &["train", "--resume", "kept/other"]);
    assert!(renamed.join("kept/other/report.html").is_file() && !renamed.join("runs/other").exists());
}

/// Leaves a checkpoint of a training, `m.fireclay.checkpoint`.
fn interrupt(folder: &Path) {
    interrupt_with(folder, &[]);
}

/// The same with more flags.
fn interrupt_with(folder: &Path, flags: &[&str]) {
    let arguments =
        ["train", "--model", "softmax", "--data-dir", "data", "--epochs", "400", "--out", "m.fireclay"];
    let mut child = mnist(folder).args(arguments).args(flags).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    while !line.starts_with("epoch 2/") {
        line.clear();
        assert!(std::io::BufRead::read_line(&mut lines, &mut line).unwrap() > 0, "it ended early");
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    std::io::copy(&mut lines, &mut std::io::sink()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn one_class_is_no_task() {
    let folder = scratch();
    let one = folder.path().join("one/cat");
    std::fs::create_dir_all(&one).unwrap();
    for number in 0..12u8 {
        let picture =
            image::GrayImage::from_fn(28, 28, |x, y| image::Luma([number.wrapping_mul(x as u8 ^ y as u8)]));
        picture.save(one.join(format!("{number}.png"))).unwrap();
    }
    let found = run(folder.path(), &["train", "--images", "one", "--model", "softmax", "--epochs", "1"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.stderr.contains("one class cannot be learnt"), "{found:?}");
}
