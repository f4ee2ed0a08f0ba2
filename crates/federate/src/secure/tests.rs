//! Whole rounds, without a network: masked sums against plain ones, with clients that drop out at each step.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::fixed_point::{SecureRound, SecureSum};
use crate::id::ClientId;
use crate::parameters::Metrics;
use crate::random::Random;
use crate::wire::{PublicKeys, RevealedShare, Secret, Turn};

const TURN: Turn = Turn { round: 4, attempt: 1 };

fn round(modulus: Modulus) -> SecureRound {
    SecureRound {
        modulus,
        clip_range: 2.0,
        fraction_bits: 12,
        max_samples: 50,
        weighted: true,
        clip_norm: None,
        max_norm: None,
        metrics: vec!["loss".into()],
    }
}

struct Run {
    clients: BTreeMap<ClientId, SecureClient>,
    updates: BTreeMap<ClientId, (Vec<f64>, u64)>,
    threshold: usize,
    secure: SecureRound,
}

impl Run {
    fn new(count: usize, modulus: Modulus, seed: u64) -> Self {
        let secure = round(modulus);
        let mut random = Random::seeded("updates", &[seed]);
        let mut clients = BTreeMap::new();
        let mut updates = BTreeMap::new();
        for number in 0..count {
            let id = ClientId::numbered(number);
            let update: Vec<f64> = (0..5).map(|_| random.normal(1.0)).collect();
            let samples = 1 + random.below(50) as u64;
            let metrics = Metrics::from([("loss".to_owned(), update[0])]);
            let client = SecureClient::new(TURN, id.clone(), secure.clone(), &update, samples, &metrics);
            clients.insert(id.clone(), client.unwrap());
            updates.insert(id, (update, samples));
        }
        let threshold = SecureAggregation::default().shares_needed(count);
        Run { clients, updates, threshold, secure }
    }

    fn server(&self) -> Result<SecureServer, FederateError> {
        let keys = self.clients.iter().map(|(id, client)| (id.clone(), client.public_keys())).collect();
        SecureServer::new(TURN, self.secure.clone(), self.threshold, keys, 5)
    }

    /// The round, in which these clients drop out before they share, before they mask and before they unmask.
    fn go(&mut self, drops: [&[usize]; 3]) -> Result<SecureSum, FederateError> {
        let drops: [BTreeSet<ClientId>; 3] =
            drops.map(|numbers| numbers.iter().map(|number| ClientId::numbered(*number)).collect());
        let mut server = self.server()?;
        let keys = server.clients().to_vec();
        for (id, client) in self.clients.iter_mut().filter(|(id, _)| !drops[0].contains(*id)) {
            server.add_shares(id, client.share(keys.clone(), self.threshold)?).unwrap();
        }
        for (id, shares) in server.routed()? {
            if !drops[1].contains(&id) {
                let masked = self.clients.get_mut(&id).unwrap().mask(&shares)?;
                server.add_masked(&id, &masked).unwrap();
            }
        }
        let survivors = server.survivors(1)?;
        for id in server.survivor_ids() {
            if !drops[2].contains(&id) {
                let shares = self.clients.get_mut(&id).unwrap().unmask(&survivors)?;
                server.add_revealed(&id, &shares).unwrap();
            }
        }
        server.finish(&false.into())
    }

    /// The sum of the same fixed-point numbers without masks.
    fn plain(&self, without: &[usize]) -> SecureSum {
        let without: Vec<_> = without.iter().map(|number| ClientId::numbered(*number)).collect();
        let mut sum = self.secure.zeros(5);
        let mut count = 0;
        for (_, (update, samples)) in self.updates.iter().filter(|(id, _)| !without.contains(id)) {
            let metrics = Metrics::from([("loss".to_owned(), update[0])]);
            let bytes = self.secure.encode(&self.secure.vector(update, *samples, &metrics));
            assert!(self.secure.add_encoded(&mut sum, &bytes));
            count += 1;
        }
        self.secure.read(&sum, count).unwrap()
    }
}

#[test]
fn masked_sums_are_the_plain_ones_whoever_drops_out_and_when() {
    // Of nine clients six have to stay.
    let some: [&[usize]; 4] = [&[], &[4], &[0, 8], &[2, 3, 7]];
    for modulus in [Modulus::Bits32, Modulus::Bits64] {
        for (seed, drops) in some.into_iter().enumerate() {
            for step in 0..3 {
                let mut run = Run::new(9, modulus, seed as u64);
                let mut at = [[].as_slice(); 3];
                at[step] = drops;
                let without = if step < 2 { drops } else { &[] };
                assert_eq!(run.go(at).unwrap(), run.plain(without), "{drops:?} at step {step}");
            }
            let mut run = Run::new(9, modulus, 10 + seed as u64);
            assert_eq!(run.go([&[1], &[5], &[6]]).unwrap(), run.plain(&[1, 5]));
        }
        let mut run = Run::new(2, modulus, 3);
        assert_eq!(run.go([&[], &[], &[]]).unwrap(), run.plain(&[]));
    }
}

#[test]
fn with_less_than_the_threshold_a_round_fails_and_nothing_is_shown() {
    for (step, what) in
        ["the shares", "the masked updates", "the shares for unmasking"].into_iter().enumerate()
    {
        let mut run = Run::new(9, Modulus::Bits64, 1);
        let mut drops = [[].as_slice(); 3];
        drops[step] = &[0, 1, 2, 3];
        let error = run.go(drops).unwrap_err();
        assert!(
            matches!(&error, FederateError::SecureTooFew { what: at, expected: 6, found: 5 } if *at == what),
            "{error}"
        );
    }
    let alone = Run { threshold: 2, ..Run::new(1, Modulus::Bits64, 1) };
    assert!(matches!(alone.server(), Err(FederateError::SecureTooFew { expected: 2, found: 1, .. })));
}

/// A client that has sent its masked numbers, in a round of four of which one dropped out.
fn masked() -> (Run, ClientId) {
    let mut run = Run::new(4, Modulus::Bits64, 2);
    let mut server = run.server().unwrap();
    let keys = server.clients().to_vec();
    for (id, client) in &mut run.clients {
        server.add_shares(id, client.share(keys.clone(), 3).unwrap()).unwrap();
    }
    for (id, shares) in server.routed().unwrap() {
        run.clients.get_mut(&id).unwrap().mask(&shares).unwrap();
    }
    (run, ClientId::numbered(0))
}

#[test]
fn a_client_shows_one_kind_of_share_of_each_client_once() {
    let (mut run, id) = masked();
    let client = run.clients.get_mut(&id).unwrap();
    let shares = client.unmask(&[0, 1, 2]).unwrap();
    let kinds: Vec<_> = shares.iter().map(|share| (share.owner, share.secret)).collect();
    assert_eq!(
        kinds,
        [(0, Secret::SelfMask), (1, Secret::SelfMask), (2, Secret::SelfMask), (3, Secret::MaskKey)]
    );
    // Asked again with other survivors, it would show the other kind.
    for survivors in [[0, 1, 3], [0, 1, 2]] {
        let error = client.unmask(&survivors).unwrap_err().to_string();
        assert!(error.contains("each step of a round once"), "{error}");
    }
}

#[test]
fn survivors_that_cannot_be_are_refused() {
    let wrong: [(&[u32], &str); 5] = [
        (&[0, 1], "3 survivors or more, found 2"),
        (&[1, 2, 3], "this client among the survivors"),
        (&[0, 1, 1, 2], "each once"),
        (&[0, 1, 4], "whose shares were handed out"),
        (&[0, 1, u32::MAX], "whose shares were handed out"),
    ];
    for (survivors, expected) in wrong {
        let (mut run, id) = masked();
        let error = run.clients.get_mut(&id).unwrap().unmask(survivors).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn rounds_that_would_give_a_secret_away_are_refused() {
    type Change = fn(&mut Vec<(ClientId, PublicKeys)>, &mut usize);
    let wrong: [(Change, &str); 9] = [
        (|_, threshold| *threshold = 1, "more than half of 4 clients, found 1"),
        (|_, threshold| *threshold = 2, "more than half of 4 clients, found 2"),
        (|_, threshold| *threshold = 5, "more than half of 4 clients, found 5"),
        (|clients, _| clients.swap(1, 2), "in the order of their names"),
        (|clients, _| clients[2] = clients[1].clone(), "in the order of their names"),
        (|clients, threshold| (*threshold, _) = (3, clients.remove(0)), "this client among"),
        (|clients, _| clients[0].1.mask_key[0] ^= 1, "own keys under its name"),
        (|clients, _| clients[2].1.mask_key = clients[1].1.mask_key, "different keys"),
        (|clients, _| clients[3].1.share_key = [0; 32], "keys that keep secrets"),
    ];
    for (change, expected) in wrong {
        let mut run = Run::new(4, Modulus::Bits64, 1);
        let (mut clients, mut threshold) = (run.server().unwrap().clients().to_vec(), 3);
        change(&mut clients, &mut threshold);
        let client = run.clients.get_mut(&ClientId::numbered(0)).unwrap();
        let error = client.share(clients.clone(), threshold).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}, not {expected}");
        assert!(client.share(clients, 3).is_err(), "it goes on after it refused");
    }
}

#[test]
fn what_clients_make_up_is_refused_or_found_out() {
    // With a share to spare one client that shows a wrong one does not matter.
    assert_eq!(with_wrong_shares(&[1]).unwrap(), Run::new(4, Modulus::Bits64, 1).plain(&[]));
    let error = with_wrong_shares(&[1, 3]).unwrap_err();
    assert!(
        matches!(&error, FederateError::SecureRecovery { client, .. } if *client == ClientId::numbered(2))
    );
    assert!(
        error.is_of_unmasking() && error.is_of_round() && !error.may_be_repeated(),
        "it loses its round alone"
    );
}

/// A round of four of which these show a wrong share of the secret of client 2.
fn with_wrong_shares(liars: &[usize]) -> Result<SecureSum, FederateError> {
    let mut run = Run::new(4, Modulus::Bits64, 1);
    let mut server = run.server().unwrap();
    let keys = server.clients().to_vec();
    let stranger = ClientId::numbered(9);
    for (id, client) in &mut run.clients {
        let shares = client.share(keys.clone(), 3).unwrap();
        assert!(server.add_shares(id, shares[1..].to_vec()).unwrap_err().contains("for each other client"));
        assert!(server.add_shares(&stranger, shares.clone()).is_err());
        server.add_shares(id, shares.clone()).unwrap();
        assert!(server.add_shares(id, shares).unwrap_err().contains("there already"));
    }
    for (id, shares) in server.routed().unwrap() {
        let masked = run.clients.get_mut(&id).unwrap().mask(&shares).unwrap();
        assert!(server.add_masked(&id, &masked[1..]).unwrap_err().contains("bytes, found"));
        assert!(server.add_masked(&stranger, &masked).is_err());
        server.add_masked(&id, &masked).unwrap();
        assert!(server.add_masked(&id, &masked).unwrap_err().contains("in the sum already"));
    }
    let survivors = server.survivors(1).unwrap();
    for (number, id) in server.survivor_ids().into_iter().enumerate() {
        let mut shares = run.clients.get_mut(&id).unwrap().unmask(&survivors).unwrap();
        let other = RevealedShare { secret: Secret::MaskKey, ..shares[0] };
        assert!(server.add_revealed(&id, &[other]).unwrap_err().contains("that were asked for"));
        assert!(
            server.add_revealed(&id, &[shares[0], shares[0]]).unwrap_err().contains("one share for each")
        );
        if liars.contains(&number) {
            shares[2].share[0] ^= 1;
        }
        server.add_revealed(&id, &shares).unwrap();
    }
    server.finish(&false.into())
}

#[test]
fn shares_that_cannot_be_read_are_left_out() {
    // Client 3 encrypts rubbish to client 0 alone; three others are enough.
    let mut run = Run::new(4, Modulus::Bits64, 1);
    let plain = run.plain(&[]);
    let mut server = run.server().unwrap();
    let keys = server.clients().to_vec();
    for (number, (id, client)) in run.clients.iter_mut().enumerate() {
        let mut shares = client.share(keys.clone(), 3).unwrap();
        if number == 3 {
            shares[0].1 = vec![0; 80];
        }
        server.add_shares(id, shares).unwrap();
    }
    for (id, shares) in server.routed().unwrap() {
        let masked = run.clients.get_mut(&id).unwrap().mask(&shares).unwrap();
        server.add_masked(&id, &masked).unwrap();
    }
    let survivors = server.survivors(1).unwrap();
    for id in server.survivor_ids() {
        let shares = run.clients.get_mut(&id).unwrap().unmask(&survivors).unwrap();
        server.add_revealed(&id, &shares).unwrap();
    }
    assert_eq!(server.finish(&false.into()).unwrap(), plain);
}

#[test]
fn masked_numbers_look_like_random_ones() {
    // The same update in the same round twice: nothing of what is sent is the same, and no number is small.
    let sent = || {
        let mut run = Run::new(3, Modulus::Bits64, 1);
        let mut server = run.server().unwrap();
        let keys = server.clients().to_vec();
        for (id, client) in &mut run.clients {
            server.add_shares(id, client.share(keys.clone(), 2).unwrap()).unwrap();
        }
        let routed = server.routed().unwrap();
        run.clients.get_mut(&routed[0].0).unwrap().mask(&routed[0].1).unwrap()
    };
    let (first, second) = (sent(), sent());
    let numbers = |bytes: &[u8]| -> Vec<u64> {
        bytes.chunks_exact(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    for (a, b) in numbers(&first).into_iter().zip(numbers(&second)) {
        assert!(a != b && a > 1 << 32 && a < u64::MAX - (1 << 32), "{a} and {b}");
    }
}

#[test]
fn thresholds_are_more_than_half() {
    let needed = |threshold, clients| {
        SecureAggregation { threshold, ..SecureAggregation::default() }.shares_needed(clients)
    };
    assert_eq!(needed(2.0 / 3.0, 3), 2);
    assert_eq!(needed(2.0 / 3.0, 9), 6);
    assert_eq!(needed(0.51, 2), 2);
    assert_eq!(needed(0.500_000_000_001, 4), 3);
    assert_eq!(needed(1.0, 7), 7);
    for threshold in [0.5, 1.1, f64::NAN] {
        let secure = SecureAggregation { threshold, ..SecureAggregation::default() };
        assert!(secure.check().unwrap_err().to_string().contains("above 0.5 and up to 1"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_drop_outs_leave_the_sum_of_the_others(count in 2usize..8, seed: u64, dropped in 0usize..4) {
        let mut run = Run::new(count, Modulus::Bits32, seed);
        let room = (count - run.threshold).min(dropped);
        let mut numbers: Vec<usize> = (0..count).collect();
        let mut random = Random::seeded("drops", &[seed]);
        random.shuffle(&mut numbers);
        let mut drops: [Vec<usize>; 3] = Default::default();
        numbers[..room].iter().for_each(|number| drops[random.below(3)].push(*number));
        let without = [drops[0].clone(), drops[1].clone()].concat();
        let found = run.go([&drops[0], &drops[1], &drops[2]]).unwrap();
        prop_assert_eq!(found, run.plain(&without));
    }
}
