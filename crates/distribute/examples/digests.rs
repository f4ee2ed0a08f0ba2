//! Prints digests of sums, which must be the same on all engines.
//!
//! Rank 0 of the group that the environment describes prints a digest for each length:
//!
//! ```sh
//! mpirun -n 4 digests mpi
//! ```
//!
//! `digests one-by-one 4` prints what they must be, added one by one.

#![allow(clippy::print_stdout, reason = "its results go to standard output")]

#[path = "../tests/common/mod.rs"]
mod common;

use common::values;
use fireclay_distribute::{Engine, Group, Options, Place, connect};

const LENGTHS: [usize; 11] = [0, 1, 2, 3, 63, 64, 65, 1000, 9000, 100_003, 700_001];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [word, size] = &words[..]
        && word == "one-by-one"
    {
        let size: usize = size.parse()?;
        for len in LENGTHS {
            let all: Vec<Vec<f64>> = (0..size).map(|rank| values(rank, len, 7)).collect();
            let at = |at: usize| all.iter().map(move |values| values[at]);
            let single = (0..len)
                .filter_map(|place| at(place).map(|value| value as f32).reduce(|sum, value| sum + value));
            let double = (0..len).filter_map(|place| at(place).reduce(|sum, value| sum + value));
            print(len, single, double);
        }
        return Ok(());
    }
    let engine: Engine = words.first().map_or("auto", String::as_str).parse()?;
    let place = Place::of_environment()?.ok_or("the environment describes no group; start it by mpirun")?;
    let mut group = connect(&place, &Options { engine, ..Options::default() })?;
    if words.get(1).is_some_and(|word| word == "leave") {
        if group.rank() == 1 {
            group.leave("this is what was asked for");
        }
        group.barrier()?;
    }
    for len in LENGTHS {
        let given = values(group.rank(), len, 7);
        let mut single: Vec<f32> = given.iter().map(|value| *value as f32).collect();
        group.sum(&mut single)?;
        let mut double = given;
        group.sum_f64(&mut double)?;
        if group.rank() == 0 {
            print(len, single, double);
        }
    }
    check_bytes(&mut *group)?;
    let mut values = vec![0.0; if group.rank() == 1 { 2 } else { 1 }];
    if group.size() > 2 {
        let found = group.sum(&mut values).unwrap_err().to_string();
        assert!(found.contains("sums 1 numbers") && found.contains("sums 2 numbers"), "{found}");
    }
    Ok(())
}

/// Shows all what each has, and what one has.
fn check_bytes(group: &mut dyn Group) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = |rank: usize| -> Vec<u8> { (0..rank * 1_500_000).map(|at| (at * 7 + rank) as u8).collect() };
    let own = bytes(group.rank());
    for (rank, found) in group.gather(&own)?.iter().enumerate() {
        assert!(*found == bytes(rank));
        let mut of_rank = own.clone();
        group.broadcast(rank, &mut of_rank)?;
        assert!(of_rank == bytes(rank));
    }
    group.barrier()?;
    Ok(())
}

fn print(len: usize, single: impl IntoIterator<Item = f32>, double: impl IntoIterator<Item = f64>) {
    // FNV-1a.
    let digest = |bits: &mut dyn Iterator<Item = u64>| {
        bits.fold(0xcbf2_9ce4_8422_2325u64, |digest, bits| (digest ^ bits).wrapping_mul(0x0100_0000_01b3))
    };
    let single = digest(&mut single.into_iter().map(|value| u64::from(value.to_bits())));
    let double = digest(&mut double.into_iter().map(f64::to_bits));
    println!("{len} {single:016x} {double:016x}");
}
