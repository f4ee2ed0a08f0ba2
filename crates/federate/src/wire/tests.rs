use proptest::prelude::*;

use super::*;
use crate::fixed_point::{Modulus, SecureRound};
use crate::parameters::{Parameters, Tensor};
use crate::training::Task;
use crate::{ClientId, FederateError};

const TURN: Turn = Turn { round: 3, attempt: 1 };

fn parameters() -> Parameters {
    Parameters::new([Tensor { name: "w".into(), shape: vec![2], values: vec![1.0, -0.0] }]).unwrap()
}

fn keys() -> PublicKeys {
    PublicKeys { share_key: [1; 32], mask_key: [2; 32], self_mask_commitment: [3; 32] }
}

fn from_clients() -> Vec<ClientMessage> {
    let client = ClientId::numbered(3);
    let share = |secret| RevealedShare { owner: 7, secret, share: [5; 32] };
    vec![
        ClientMessage::Hello { client: client.clone(), instance: 5, preparation: [6; 32] },
        ClientMessage::Update {
            turn: TURN,
            samples: 12,
            metrics: [("loss".to_owned(), 0.5)].into(),
            parameters: parameters(),
        },
        ClientMessage::PublicKeys { turn: TURN, keys: keys() },
        ClientMessage::EncryptedShares { turn: TURN, shares: vec![(client, vec![1, 2, 3])] },
        ClientMessage::Masked { turn: TURN, values: vec![9; 24] },
        ClientMessage::Unmasking {
            turn: TURN,
            shares: vec![share(Secret::SelfMask), share(Secret::MaskKey)],
        },
        ClientMessage::Failed { turn: TURN, reason: "the disk is full".into() },
        ClientMessage::Alive,
    ]
}

fn from_server() -> Vec<ServerMessage> {
    let client = ClientId::numbered(3);
    let task = Task {
        round: 3,
        attempt: 1,
        client: client.clone(),
        epochs: 2,
        first_epoch: 6,
        batch_size: 32,
        learning_rate: 0.5,
        proximal_mu: 0.01,
        seed: 4,
    };
    let secure = SecureRound {
        modulus: Modulus::Bits32,
        clip_range: 4.0,
        fraction_bits: 12,
        max_samples: 100,
        weighted: true,
        clip_norm: Some(1.0),
        max_norm: None,
        metrics: vec!["loss".into()],
    };
    vec![
        ServerMessage::Welcome { round: 1, rounds: 10 },
        ServerMessage::Refused { reason: "another client has this name".into(), try_again: true },
        ServerMessage::Train { task: task.clone(), mode: RoundMode::Plain, parameters: parameters() },
        ServerMessage::Train { task, mode: RoundMode::Secure(secure), parameters: parameters() },
        ServerMessage::Keys { turn: TURN, threshold: 2, clients: vec![(client.clone(), keys())] },
        ServerMessage::Shares { turn: TURN, shares: vec![(client, vec![4; 100])] },
        ServerMessage::Unmask { turn: TURN, survivors: vec![0, 2] },
        ServerMessage::UpdateRefused { turn: TURN, reason: "too large".into() },
        ServerMessage::Done { rounds: 10 },
        ServerMessage::Alive,
    ]
}

/// The bytes of all messages, with a reader of either side that gives them back as bytes.
type Read = fn(&[u8]) -> Result<Vec<u8>, FederateError>;

fn encoded() -> Vec<(Vec<u8>, Read)> {
    let client: Read = |bytes| ClientMessage::decode(bytes)?.encode();
    let server: Read = |bytes| ServerMessage::decode(bytes)?.encode();
    let clients = from_clients().into_iter().map(|message| (message.encode().unwrap(), client));
    let servers = from_server().into_iter().map(|message| (message.encode().unwrap(), server));
    clients.chain(servers).collect()
}

#[test]
fn messages_are_read_as_they_were_written() {
    for message in from_clients() {
        assert_eq!(ClientMessage::decode(&message.encode().unwrap()).unwrap(), message);
    }
    for message in from_server() {
        assert_eq!(ServerMessage::decode(&message.encode().unwrap()).unwrap(), message);
    }
}

#[test]
fn messages_that_are_cut_or_too_long_are_refused() {
    for (bytes, read) in encoded() {
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(read(&longer).unwrap_err().to_string().contains("1 bytes more"));
    }
}

#[test]
fn other_versions_and_kinds_are_refused() {
    for (mut bytes, read) in encoded() {
        bytes[0] = 9;
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("version 9"), "{error}");
        bytes[0] = PROTOCOL_VERSION;
        bytes[1] = 200;
        assert!(read(&bytes).unwrap_err().to_string().contains("a kind from 0 to"));
    }
}

#[test]
fn huge_lengths_take_no_memory() {
    // Four or eight bytes of 255 at every place: one of them is each length that there is.
    let mut refused = 0;
    for (bytes, read) in encoded() {
        for place in 2..bytes.len() {
            for size in [2, 4, 8] {
                let mut huge = bytes.clone();
                huge.iter_mut().skip(place).take(size).for_each(|byte| *byte = 255);
                match read(&huge) {
                    Ok(again) => assert_eq!(again, huge),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > 0, "no length is compared with what is there");
    let mut shares = ClientMessage::EncryptedShares { turn: TURN, shares: vec![] }.encode().unwrap();
    let end = shares.len();
    shares[end - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    let error = ClientMessage::decode(&shares).unwrap_err().to_string();
    assert!(error.contains("expected 4294967295 items of 11 bytes or more, found 0 bytes"), "{error}");
    let mut masked = ClientMessage::Masked { turn: TURN, values: vec![] }.encode().unwrap();
    let end = masked.len();
    masked[end - 8..].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(ClientMessage::decode(&masked).unwrap_err().to_string().contains("it is cut off"));
}

#[test]
fn reasons_cannot_change_a_terminal() {
    let nasty = "\u{1b}[2J\r\nfine\u{9b}";
    let bytes = ClientMessage::Failed { turn: TURN, reason: nasty.into() }.encode().unwrap();
    let ClientMessage::Failed { reason, .. } = ClientMessage::decode(&bytes).unwrap() else { panic!() };
    assert_eq!(reason, "?[2J??fine?");
    for message in [
        ServerMessage::Refused { reason: nasty.into(), try_again: false },
        ServerMessage::UpdateRefused { turn: TURN, reason: nasty.into() },
    ] {
        let read = ServerMessage::decode(&message.encode().unwrap()).unwrap();
        let (ServerMessage::Refused { reason, .. } | ServerMessage::UpdateRefused { reason, .. }) = read
        else {
            panic!()
        };
        assert_eq!(reason, "?[2J??fine?");
    }
}

#[test]
fn reasons_are_shortened_between_characters() {
    let reason = "é".repeat(2_000);
    let bytes = ClientMessage::Failed { turn: TURN, reason }.encode().unwrap();
    let ClientMessage::Failed { reason, .. } = ClientMessage::decode(&bytes).unwrap() else { panic!() };
    assert_eq!(reason, "é".repeat(512));
}

#[test]
fn shares_are_not_shown() {
    let share = RevealedShare { owner: 1, secret: Secret::SelfMask, share: [77; 32] };
    assert!(!format!("{share:?}").contains("77"));
}

proptest! {
    #[test]
    fn garbage_is_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in 0u8..10) {
        let _ = ClientMessage::decode(&bytes);
        let _ = ServerMessage::decode(&bytes);
        let begun = [&[PROTOCOL_VERSION, kind], bytes.as_slice()].concat();
        let _ = ClientMessage::decode(&begun);
        let _ = ServerMessage::decode(&begun);
    }

    #[test]
    fn changed_bytes_are_refused_or_another_message(which in 0usize..18, place: prop::sample::Index, byte: u8) {
        let all = encoded();
        let (mut bytes, read) = all[which % all.len()].clone();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        // What can be read means what its bytes say: written again, it is read as the same.
        if let Ok(again) = read(&bytes) {
            prop_assert_eq!(read(&again).unwrap(), again);
        }
    }
}

/// The fuzz targets begin with a message of each kind. After a change of the protocol, `FIRECLAY_WRITE_SEEDS=1` writes them anew.
#[test]
fn seeds_of_the_fuzz_targets_are_messages_of_this_version() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let clients = from_clients().into_iter().map(|message| ("from_client", message.encode().unwrap()));
    let servers = from_server().into_iter().map(|message| ("from_server", message.encode().unwrap()));
    let tensors = [("parameters", parameters().to_bytes().unwrap())];
    for (number, (target, bytes)) in clients.chain(servers).chain(tensors).enumerate() {
        let path = folder.join(target).join(format!("{number:02}"));
        if std::env::var_os("FIRECLAY_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(std::fs::read(&path).is_ok_and(|found| found == bytes), "{} is out of date", path.display());
    }
}
