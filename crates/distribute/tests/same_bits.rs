//! All engines add in the order of the ranks, so all come to the same bits.

mod common;

use common::{on_ranks, options, values};
use fireclay_distribute::{Engine, Group};

const LENGTHS: [usize; 10] = [0, 1, 2, 3, 63, 64, 65, 1000, 100_003, 9000];

/// What a rank has to come to, worked out one by one.
fn expected(size: usize, len: usize) -> (Vec<u32>, Vec<u64>) {
    let all: Vec<Vec<f64>> = (0..size).map(|rank| values(rank, len, 7)).collect();
    (0..len)
        .map(|at| {
            let single = all.iter().map(|values| values[at] as f32).reduce(|sum, value| sum + value);
            let double = all.iter().map(|values| values[at]).reduce(|sum, value| sum + value);
            (single.unwrap().to_bits(), double.unwrap().to_bits())
        })
        .unzip()
}

fn check(engine: Engine, size: usize) {
    let expected: Vec<_> = LENGTHS.iter().map(|len| expected(size, *len)).collect();
    let ranks = on_ranks(size, &options(engine), |mut group: Box<dyn Group>| {
        for (len, expected) in LENGTHS.into_iter().zip(&expected) {
            let given = values(group.rank(), len, 7);
            let mut single: Vec<f32> = given.iter().map(|value| *value as f32).collect();
            group.sum(&mut single).unwrap();
            let mut double = given;
            group.sum_f64(&mut double).unwrap();
            let single: Vec<u32> = single.into_iter().map(f32::to_bits).collect();
            let double: Vec<u64> = double.into_iter().map(f64::to_bits).collect();
            assert!(single == expected.0 && double == expected.1, "{engine:?}, {size} ranks, {len} values");
        }
        // What is not summed is passed on as it is.
        let own: Vec<u8> =
            values(group.rank(), 100_000 * group.rank(), 3).iter().map(|value| *value as u8).collect();
        let all = group.gather(&own).unwrap();
        for (rank, found) in all.iter().enumerate() {
            let expected: Vec<u8> =
                values(rank, 100_000 * rank, 3).iter().map(|value| *value as u8).collect();
            assert!(*found == expected);
        }
        for (from, expected) in all.iter().enumerate() {
            let mut bytes = own.clone();
            group.broadcast(from, &mut bytes).unwrap();
            assert!(bytes == *expected);
        }
        group.barrier().unwrap();
        let traffic = group.traffic();
        assert_eq!(traffic.calls, 2 * LENGTHS.len() as u64 + 1 + group.size() as u64 + 1);
        assert!(size == 1 || (traffic.sent_bytes > 0 && traffic.received_bytes > 0));
        // Nobody ends before the others are done.
        group.barrier().unwrap();
    });
    for rank in ranks {
        rank.unwrap();
    }
}

#[test]
fn over_tcp() {
    for size in 1..=5 {
        check(Engine::Tcp, size);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn in_shared_memory() {
    for size in 1..=5 {
        check(Engine::SharedMemory, size);
    }
}
