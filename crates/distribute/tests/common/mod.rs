//! Ranks that are threads of a test.

#![allow(dead_code, reason = "each test uses some of it")]

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use fireclay_distribute::channel::SharedKey;
use fireclay_distribute::{Engine, Group, GroupError, Options, Place, connect};

/// A key for tests.
pub fn key() -> SharedKey {
    SharedKey::new("a key for tests of groups").unwrap()
}

/// An address at which nobody listens.
pub fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The place of a rank.
pub fn place(rank: usize, size: usize, address: &str) -> Place {
    Place { rank, size, address: address.into(), key: Some(key()) }
}

/// Options of a test, which waits for little.
pub fn options(engine: Engine) -> Options {
    Options {
        engine,
        start_limit: Duration::from_secs(20),
        patience: Duration::from_secs(5),
        ..Options::default()
    }
}

/// Runs something on each rank of a group.
pub fn on_ranks<T: Send>(
    size: usize,
    options: &Options,
    run: impl Fn(Box<dyn Group>) -> T + Sync,
) -> Vec<Result<T, GroupError>> {
    let address = free_address();
    thread::scope(|scope| {
        let ranks: Vec<_> = (0..size)
            .map(|rank| {
                let (address, run) = (&address, &run);
                scope.spawn(move || connect(&place(rank, size, address), options).map(run))
            })
            .collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

/// Values of very different magnitude, so that every other order of adding them gives other bits.
pub fn values(rank: usize, len: usize, seed: u64) -> Vec<f64> {
    let mut state = seed ^ (rank as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ len as u64;
    (0..len)
        .map(|_| {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = state;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^= bits >> 31;
            let exponent = (bits >> 40) as i32 % 16 - 8;
            (bits as u32 as f64 / u32::MAX as f64 - 0.5) * 10f64.powi(exponent)
        })
        .collect()
}
