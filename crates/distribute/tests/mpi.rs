//! Sums by MPI have the same bits as all others. It needs `mpirun`, and the example that it starts, which all tests together build, but not
//! this one alone: `cargo test -p fireclay-distribute --features mpi`.

#![cfg(feature = "mpi")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn example() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let example = tests.parent().and_then(|folder| folder.parent()).unwrap().join("examples/digests");
    assert!(example.exists(), "run: cargo test -p fireclay-distribute --features mpi");
    example
}

fn mpirun(ranks: usize, words: &[&str]) -> Output {
    // OpenMPI refuses more ranks than cores, and root, unless it is told twice; MPICH does not know these.
    Command::new("mpirun")
        .args(["-n", &ranks.to_string()])
        .arg(example())
        .args(words)
        .env("OMPI_ALLOW_RUN_AS_ROOT", "1")
        .env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")
        .env("OMPI_MCA_rmaps_base_oversubscribe", "1")
        // It needs no address and no key; the place is asked for nevertheless.
        .env("FIRECLAY_MASTER", "127.0.0.1")
        .output()
        .unwrap()
}

#[test]
fn sums_have_the_bits_of_adding_one_by_one() {
    for ranks in 2..=5 {
        let expected = Command::new(example()).args(["one-by-one", &ranks.to_string()]).output().unwrap();
        let found = mpirun(ranks, &["mpi"]);
        assert!(found.status.success(), "{ranks}: {}", String::from_utf8_lossy(&found.stderr));
        assert!(found.stdout == expected.stdout, "{ranks}: {}", String::from_utf8_lossy(&found.stdout));
    }
}

#[test]
fn a_rank_that_leaves_ends_all() {
    let found = mpirun(3, &["mpi", "leave"]);
    assert!(!found.status.success());
    let said = String::from_utf8_lossy(&found.stderr).into_owned();
    assert!(said.contains("rank 1 of 3 ended: this is what was asked for"), "{said}");
}
