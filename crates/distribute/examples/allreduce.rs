//! Measures sums, for `bench/allreduce.py`.
//!
//! Each rank is started with the usual variables of the environment; rank 0 prints a line of JSON for each length, with the time of
//! each call in microseconds.
//!
//! ```sh
//! allreduce ENGINE [LENGTH:CALLS ...]
//! ```

#![allow(clippy::print_stdout, reason = "its results go to standard output")]

use std::time::Instant;

use fireclay_distribute::{Engine, Options, Place, connect};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (engine, lengths) = words.split_first().ok_or("usage: allreduce ENGINE [LENGTH:CALLS ...]")?;
    let place = Place::of_environment()?.ok_or("the environment describes no group")?;
    let mut group = connect(&place, &Options { engine: engine.parse::<Engine>()?, ..Options::default() })?;
    let (rank, size) = (group.rank(), group.size());
    for word in lengths {
        let (length, calls) = word.split_once(':').ok_or("a length is LENGTH:CALLS")?;
        let (length, calls): (usize, usize) = (length.parse()?, calls.parse()?);
        let mut values = vec![0.0f32; length];
        let mut times = Vec::with_capacity(calls);
        // The first calls warm up.
        for call in 0..calls + calls / 5 + 1 {
            values.fill(rank as f32 + 1.0);
            group.barrier()?;
            let clock = Instant::now();
            group.sum(&mut values)?;
            let time = clock.elapsed();
            let expected = (size * (size + 1) / 2) as f32;
            if values.iter().any(|value| *value != expected) {
                return Err(format!("a sum of {length} numbers on {size} ranks is wrong").into());
            }
            if call > calls / 5 {
                times.push(format!("{:.1}", time.as_secs_f64() * 1e6));
            }
        }
        if rank == 0 {
            println!("{{\"length\": {length}, \"ranks\": {size}, \"us\": [{}]}}", times.join(", "));
        }
    }
    group.barrier()?;
    Ok(())
}
