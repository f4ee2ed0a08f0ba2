//! How ranks find each other, and how they do not.

mod common;

use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use common::{free_address, key, options, place};
use fireclay_distribute::channel::{Channel, Protocol, SharedKey};
use fireclay_distribute::{Engine, GroupError, Options, Place, connect};

fn tcp() -> Options {
    options(Engine::Tcp)
}

/// Starts these places at once, and returns what each comes to.
fn start(places: &[Place], options: &[Options]) -> Vec<Result<(), GroupError>> {
    thread::scope(|scope| {
        let ranks: Vec<_> = (places.iter().zip(options))
            .map(|(place, options)| {
                scope.spawn(move || {
                    let mut group = connect(place, options)?;
                    group.barrier()
                })
            })
            .collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

#[test]
fn ranks_that_do_not_come_are_named_on_all_sides() {
    let address = free_address();
    let options = Options { start_limit: Duration::from_secs(1), ..tcp() };
    let found = start(&[place(0, 4, &address), place(2, 4, &address)], &[options.clone(), options.clone()]);
    let first = found[0].as_ref().unwrap_err().to_string();
    assert_eq!(
        first,
        "of 4 ranks, these have not come within 1 s: 1, 3; see whether they run, and reach rank 0"
    );
    let other = found[1].as_ref().unwrap_err().to_string();
    assert!(other.contains(&first), "{other}");

    let found = connect(&place(1, 2, &free_address()), &options).err().unwrap().to_string();
    assert!(found.starts_with("of 2 ranks, these have not come within 1 s: 0 (last: 127.0.0.1:"), "{found}");
}

#[test]
fn ranks_of_another_size_are_refused_and_named_on_both_sides() {
    let address = free_address();
    let found = start(&[place(0, 3, &address), place(1, 2, &address)], &[tcp(), tcp()]);
    let first = found[0].as_ref().unwrap_err();
    assert!(matches!(first, GroupError::OtherSize { rank: 1, found: 2, expected: 3, .. }), "{first}");
    let other = found[1].as_ref().unwrap_err().to_string();
    assert!(other.contains(&first.to_string()), "{other}");
}

#[test]
fn a_rank_that_comes_twice_is_refused_and_named_on_all_sides() {
    let address = free_address();
    let places = [place(0, 3, &address), place(1, 3, &address), place(1, 3, &address)];
    let found = start(&places, &[tcp(), tcp(), tcp()]);
    let first = found[0].as_ref().unwrap_err();
    assert!(matches!(first, GroupError::SameRank { rank: 1, .. }), "{first}");
    for other in &found[1..] {
        let other = other.as_ref().unwrap_err().to_string();
        assert!(other.contains(&first.to_string()), "{other}");
    }
}

#[test]
fn ranks_with_other_engines_are_refused() {
    let address = free_address();
    let found = start(&[place(0, 2, &address), place(1, 2, &address)], &[tcp(), options(Engine::Auto)]);
    let first = found[0].as_ref().unwrap_err();
    assert!(matches!(first, GroupError::OtherEngine { found: "auto", expected: "tcp", .. }), "{first}");
    assert!(matches!(found[1], Err(GroupError::Refused { .. })));
}

#[test]
fn a_rank_of_another_version_is_refused_and_named_on_both_sides() {
    let address = free_address();
    thread::scope(|scope| {
        let first = scope.spawn(|| connect(&place(0, 2, &address), &tcp()).err().unwrap().to_string());
        let protocol = Protocol { name: "fireclay-group", version: 1 };
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut channel = loop {
            match Channel::connect(address.parse().unwrap(), &key(), protocol) {
                Ok(channel) => break channel,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        // Version 9 of what ranks say, release 7.0; nobody knows what follows.
        channel.send(&[9, 0, 3, 0, b'7', b'.', b'0', 1, 2, 3]).unwrap();
        let answer = channel.receive(1 << 16, None).unwrap();
        let first = first.join().unwrap();
        assert!(first.contains("is version 7.0 of Fireclay, and rank 0 version"), "{first}");
        assert_eq!(String::from_utf8_lossy(&answer[3..]), first);
    });
}

#[test]
fn strangers_and_ranks_with_another_key_are_turned_away_and_hold_nobody_up() {
    let address = free_address();
    let other_key =
        Place { key: Some(SharedKey::new("another key than the others").unwrap()), ..place(1, 2, &address) };
    thread::scope(|scope| {
        let first = scope.spawn(|| connect(&place(0, 2, &address), &tcp()).map(|mut group| group.barrier()));
        let found = connect(&other_key, &tcp()).err().unwrap();
        assert!(matches!(found, GroupError::NoAnswer { .. }), "{found}");
        let silent: Vec<_> = (0..70).map(|_| TcpStream::connect(&address).unwrap()).collect();
        connect(&place(1, 2, &address), &tcp()).unwrap().barrier().unwrap();
        first.join().unwrap().unwrap().unwrap();
        drop(silent);
    });

    // Rank 0 says who was turned away.
    let address = free_address();
    let options = Options { start_limit: Duration::from_secs(1), ..tcp() };
    let other_key = Place { address: address.clone(), ..other_key };
    let found = start(&[place(0, 2, &address), other_key], &[options.clone(), options]);
    let first = found[0].as_ref().unwrap_err().to_string();
    assert!(first.contains("does not have the shared key of this process"), "{first}");
}

#[test]
fn a_group_over_a_network_needs_a_key() {
    let place = Place { key: None, ..place(0, 2, "127.0.0.1:1") };
    let found = connect(&place, &tcp()).err().unwrap().to_string();
    assert!(found.starts_with("there is no shared key; set FIRECLAY_SHARED_KEY"), "{found}");
}
