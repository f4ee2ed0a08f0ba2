//! Servers and clients over loopback: against the simulation, with processes that are killed, and with clients that lie.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fireclay_distribute::channel::{Channel, Protocol, SharedKey};
use fireclay_federate::wire::{ClientMessage, PROTOCOL_VERSION, ServerMessage, Turn};
use fireclay_federate::{
    ClientEvent, ClientId, ClientOptions, ClientSummary, Fate, FederateError, Federation, FederationEvent,
    FederationOptions, LocalTraining, LocalUpdate, Metrics, Parameters, SecureAggregation, Server,
    Simulation, Step, Task, run_client,
};

use crate::support::*;

const PROTOCOL: Protocol = Protocol { name: "fireclay-federate", version: PROTOCOL_VERSION as u16 };

/// How long what has to happen is waited for.
const A_WHILE: Duration = Duration::from_secs(60);

/// The SHA-256 of no words.
const NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

fn key() -> SharedKey {
    SharedKey::new("a key for the tests of this crate").unwrap()
}

fn server() -> Server {
    Server::bind("127.0.0.1:0", key()).unwrap()
}

fn client_options(address: &str, number: usize) -> ClientOptions {
    ClientOptions {
        patience_seconds: 20.0,
        first_pause_seconds: 0.05,
        longest_pause_seconds: 0.2,
        ..ClientOptions::new(address, key(), ClientId::numbered(number))
    }
}

type Joined = std::thread::JoinHandle<std::result::Result<ClientSummary, FederateError>>;

fn start(options: ClientOptions, training: Box<dyn LocalTraining>) -> Joined {
    std::thread::spawn(move || run_client(&options, training, |_| {}))
}

fn start_honest(address: &str, number: usize) -> Joined {
    start(client_options(address, number), client(number).1)
}

/// Where the processes of these clients end, by round and step.
const DEATHS: [(usize, u64, Step); 3] =
    [(1, 0, Step::Training), (4, 1, Step::Training), (6, 2, Step::Training)];
const SECURE_DEATHS: [(usize, u64, Step); 3] =
    [(1, 0, Step::Masking), (4, 1, Step::Unmasking), (6, 1, Step::Sharing)];

/// Not a test of its own: the process of a client, which ends where it is told to.
#[test]
fn client_process() {
    let Ok(task) = std::env::var("FIRECLAY_FEDERATE_TEST_CLIENT") else { return };
    let (address, rest) = task.split_once(' ').unwrap();
    let (number, deaths) = rest.split_once(' ').unwrap();
    let number: usize = number.parse().unwrap();
    let deaths = if deaths == "secure" { SECURE_DEATHS } else { DEATHS };
    let dies = |event: &ClientEvent| {
        if let ClientEvent::Answering { round, step, .. } = event
            && deaths.contains(&(number, *round, *step))
        {
            std::process::abort();
        }
    };
    let summary = run_client(&client_options(address, number), client(number).1, dies).unwrap();
    assert_eq!(summary, ClientSummary { rounds: 4, trainings: 4 });
}

fn start_process(address: &str, number: usize, deaths: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "network::client_process", "--test-threads=1"])
        .env("FIRECLAY_FEDERATE_TEST_CLIENT", format!("{address} {number} {deaths}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn processes_of_which_three_are_killed_give_the_bits_of_the_simulation() {
    let plain = FederationOptions { start_clients: 8, ..options(4) };
    let secure = FederationOptions { secure: Some(SecureAggregation::default()), ..plain.clone() };
    for (name, options, deaths) in [("plain", plain, DEATHS), ("secure", secure, SECURE_DEATHS)] {
        let lost = move |client: &ClientId, round, _, step| {
            let dies = |(number, at, in_step)| {
                *client == ClientId::numbered(number) && (at, in_step) == (round, step)
            };
            if deaths.into_iter().any(dies) { Fate::Lost } else { Fate::Answers }
        };
        let simulated = finished(options.clone(), simulation(8).faults(lost));

        let mut server = server();
        let address = server.address().to_string();
        let mut children: Vec<Child> = (0..8).map(|number| start_process(&address, number, name)).collect();
        let mut federation = Federation::new(options, begin()).unwrap();
        federation.serve(&mut server).unwrap();
        for (number, child) in children.iter_mut().enumerate() {
            let survives = deaths.iter().all(|(dead, ..)| *dead != number);
            assert_eq!(child.wait().unwrap().success(), survives, "client {number}, {name}");
        }
        assert_eq!(bits(federation.parameters()), bits(simulated.parameters()), "{name}");
        for (found, expected) in federation.history().iter().zip(simulated.history()) {
            assert_eq!((&found.asked, &found.answered), (&expected.asked, &expected.answered), "{name}");
            assert_eq!((found.bytes_in, found.bytes_out), (expected.bytes_in, expected.bytes_out), "{name}");
            let dropped = |record: &fireclay_federate::RoundRecord| -> Vec<_> {
                record.dropped.iter().map(|dropped| (dropped.client.clone(), dropped.step)).collect()
            };
            assert_eq!(dropped(found), dropped(expected), "{name}");
            assert_eq!(found.metrics, expected.metrics, "{name}");
        }
        assert_eq!(federation.history()[3].asked.len(), 5);
    }
}

/// Sums of these depend on the order: in that of the names they are 3, in the other one 0.
#[test]
fn who_answers_first_changes_nothing() {
    let answers = |number: usize| {
        let training = move |_: &Task, global: &Parameters| {
            // The last one first.
            std::thread::sleep(Duration::from_millis(150 * (2 - number as u64)));
            let mut tensors = global.tensors().to_vec();
            tensors[0].values[0] = [1e30, -1e30, 3.0][number];
            Ok(LocalUpdate { parameters: Parameters::new(tensors)?, samples: 1, metrics: Metrics::new() })
        };
        Box::new(training) as Box<dyn LocalTraining>
    };
    let mut server = server();
    let address = server.address().to_string();
    let all: Vec<Joined> =
        (0..3).map(|number| start(client_options(&address, number), answers(number))).collect();
    let mut federation =
        Federation::new(FederationOptions { start_clients: 3, ..options(1) }, begin()).unwrap();
    federation.serve(&mut server).unwrap();
    assert_eq!(numbers(federation.parameters())[0], 1.0);
    for client in all {
        client.join().unwrap().unwrap();
    }
}

#[test]
fn clients_come_back_when_the_server_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("federation");
    let whole = FederationOptions { start_clients: 3, ..options(6) };
    let unbroken = finished(whole.clone(), simulation(3));

    let mut first = server();
    let address = first.address().to_string();
    let clients: Vec<Joined> = (0..3).map(|number| start_honest(&address, number)).collect();
    let stopped = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = stopped.clone();
    let mut federation =
        Federation::new(whole.clone(), begin()).unwrap().checkpoint(&path).stop_when(stopped).observer(
            move |event| {
                if let FederationEvent::CheckpointSaved { .. } = event {
                    flag.store(true, std::sync::atomic::Ordering::Relaxed);
                }
            },
        );
    assert!(matches!(federation.serve(&mut first), Err(FederateError::Stopped)));
    drop((federation, first));

    std::thread::sleep(Duration::from_millis(300));
    let mut second = Server::bind(address.as_str(), key()).unwrap();
    let mut federation = Federation::resume(whole, &path).unwrap();
    assert_eq!(federation.round(), 1);
    federation.serve(&mut second).unwrap();
    assert_eq!(bits(federation.parameters()), bits(unbroken.parameters()));
    for client in clients {
        let summary = client.join().unwrap().unwrap();
        assert_eq!(summary.rounds, 6);
        assert!(summary.trainings >= 6);
    }
}

#[test]
fn a_client_that_prepares_samples_otherwise_is_refused_at_once() {
    let mut server = server();
    let address = server.address().to_string();
    let with = |number, words: &str| {
        let preparation = words.to_owned();
        start(ClientOptions { preparation, ..client_options(&address, number) }, client(number).1)
    };
    let clients = [with(0, "mean 0"), with(1, "mean 0")];
    let other = with(2, "mean 1");
    let mut refused = Vec::new();
    let waiting = FederationOptions { start_clients: 2, wait_seconds: 60.0, ..options(2) };
    let mut federation =
        Federation::new(waiting, begin()).unwrap().preparation("mean 0").observer(|event| match event {
            FederationEvent::ConnectionRefused { reason, .. } => refused.push(reason.to_string()),
            // It is refused, however late it comes.
            FederationEvent::RoundEnded { .. } => std::thread::sleep(Duration::from_millis(500)),
            _ => {}
        });
    federation.serve(&mut server).unwrap();
    assert!(federation.history().iter().all(|round| round.answered.len() == 2));
    drop(federation);
    for client in clients {
        client.join().unwrap().unwrap();
    }
    let error = other.join().unwrap().unwrap_err();
    let message = error.to_string();
    assert!(matches!(error, FederateError::Refused { .. }), "{message}");
    assert!(message.contains("refuses client client-0002: it begins with another network"), "{message}");
    assert!(
        refused.iter().any(|reason| reason.contains("client-0002: it begins with another network")),
        "{refused:?}"
    );
}

#[test]
fn a_client_without_the_key_gets_no_answer_and_gives_up() {
    let mut server = server();
    let address = server.address().to_string();
    let other = SharedKey::new("another key, which nobody knows").unwrap();
    let stranger = ClientOptions { key: other, patience_seconds: 0.3, ..client_options(&address, 7) };
    let stranger = start(stranger, client(7).1);
    let clients: Vec<Joined> = (0..2).map(|number| start_honest(&address, number)).collect();
    let (mut refused, mut most) = (0, 0);
    let stopped = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = stopped.clone();
    let waiting = FederationOptions { start_clients: 3, wait_seconds: 60.0, ..options(2) };
    let mut federation = Federation::new(waiting, begin()).unwrap().stop_when(stopped).observer(|event| {
        match event {
            FederationEvent::ConnectionRefused { .. } => refused += 1,
            FederationEvent::WaitingForClients { found, .. } => most = most.max(*found),
            _ => {}
        }
        if refused > 0 && most == 2 {
            flag.store(true, std::sync::atomic::Ordering::Relaxed);
        }
    });
    // The third is the stranger, who never counts.
    let error = federation.serve(&mut server).unwrap_err();
    assert!(matches!(error, FederateError::Stopped), "{error}");
    drop(federation);
    assert!(refused > 0 && most == 2);
    let error = stranger.join().unwrap().unwrap_err();
    assert!(matches!(error, FederateError::ServerLost { .. }), "{error}");
    drop(server);
    drop(clients);
}

#[test]
fn a_second_client_of_one_name_has_to_wait() {
    let mut server = server();
    let address = server.address().to_string();
    let first = start_honest(&address, 0);
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = events.clone();
    let second = {
        let options = ClientOptions { patience_seconds: 0.5, ..client_options(&address, 0) };
        move || {
            run_client(&options, client(0).1, |event| {
                if let ClientEvent::Disconnected { reason, .. } = event {
                    seen.lock().unwrap().push((*reason).to_owned());
                }
            })
        }
    };
    let (there, first_is_there) = std::sync::mpsc::channel();
    let others = std::thread::spawn(move || {
        first_is_there.recv_timeout(A_WHILE).unwrap();
        let second = second();
        (second, start_honest(&address, 1).join().unwrap())
    });
    let mut federation = Federation::new(FederationOptions { start_clients: 2, ..options(2) }, begin())
        .unwrap()
        .observer(|event| {
            if let FederationEvent::ClientJoined { .. } = event {
                let _ = there.send(());
            }
        });
    federation.serve(&mut server).unwrap();
    let (second, third) = others.join().unwrap();
    assert!(matches!(second, Err(FederateError::ServerLost { .. })));
    assert!(events.lock().unwrap().iter().any(|reason| reason.contains("connected as client-0000")));
    assert_eq!(first.join().unwrap().unwrap().trainings, 2);
    assert_eq!(third.unwrap().trainings, 2);
}

#[test]
fn clients_that_are_too_slow_are_left_out_and_may_answer_later() {
    let mut server = server();
    let address = server.address().to_string();
    let mut calls = 0;
    let (open, gate) = std::sync::mpsc::channel();
    let (_, mut honest) = client(2);
    let slow = move |task: &Task, global: &Parameters| {
        calls += 1;
        if calls == 1 {
            gate.recv_timeout(A_WHILE).unwrap();
        }
        honest.train(task, global)
    };
    let mut all: Vec<Joined> = (0..2).map(|number| start_honest(&address, number)).collect();
    all.push(start(client_options(&address, 2), Box::new(slow)));
    let options = FederationOptions { start_clients: 3, round_seconds: 3.0, ..options(3) };
    let mut federation = Federation::new(options.clone(), begin()).unwrap().observer(|event| {
        if let FederationEvent::RoundStarted { round: 1, .. } = event {
            let _ = open.send(());
        }
    });
    federation.serve(&mut server).unwrap();
    let history = federation.history();
    assert_eq!(history[0].answered.len(), 2);
    assert_eq!(history[0].dropped[0].reason, "no answer within 3 s");
    let late = &history[1].refused[0];
    assert_eq!(late.client, ClientId::numbered(2));
    let reason = late.refusal.to_string();
    assert!(reason.contains("expected an answer to round 1, attempt 0, found one to round 0"), "{reason}");
    assert_eq!(history[1].answered.len(), 3);
    for client in all {
        client.join().unwrap().unwrap();
    }
    // It is what the simulation makes of a client that is late.
    let late = |client: &ClientId, round, _, _| match (client.as_str(), round) {
        ("client-0002", 0) => Fate::Late,
        _ => Fate::Answers,
    };
    let simulated = finished(options, simulation(3).faults(late));
    assert_eq!(bits(federation.parameters()), bits(simulated.parameters()));
}

/// A client that speaks for itself.
struct Raw(Channel);

impl Raw {
    fn connect(address: &str, number: usize) -> Self {
        let mut channel = Channel::connect(address.parse().unwrap(), &key(), PROTOCOL).unwrap();
        let hello =
            ClientMessage::Hello { client: ClientId::numbered(number), instance: 1, preparation: NOTHING };
        channel.send(&hello.encode().unwrap()).unwrap();
        let mut raw = Raw(channel);
        assert!(matches!(raw.receive(), ServerMessage::Welcome { .. }));
        raw
    }

    fn receive(&mut self) -> ServerMessage {
        let bytes = self.0.receive(1 << 20, Some(Instant::now() + Duration::from_secs(20))).unwrap();
        ServerMessage::decode(&bytes).unwrap()
    }

    fn send(&mut self, message: &ClientMessage) {
        self.0.send(&message.encode().unwrap()).unwrap();
    }
}

fn update(turn: Turn, parameters: &Parameters) -> ClientMessage {
    let LocalUpdate { parameters, samples, metrics } =
        LocalUpdate { parameters: parameters.clone(), samples: 3, metrics: Metrics::new() };
    ClientMessage::Update { turn, samples, metrics, parameters }
}

/// Runs one round with two honest clients and one that does this when it is asked to train, and gives why it was refused.
fn lying(lie: impl FnOnce(&mut Raw, Turn, Parameters) + Send + 'static) -> (Vec<String>, usize) {
    let mut server = server();
    let address = server.address().to_string();
    let all: Vec<Joined> = (0..2)
        .map(|number| {
            let (_, mut honest) = client(number);
            // So that there is time to lie.
            let slow = move |task: &Task, global: &Parameters| {
                std::thread::sleep(Duration::from_millis(300));
                honest.train(task, global)
            };
            start(client_options(&address, number), Box::new(slow))
        })
        .collect();
    let liar = std::thread::spawn(move || {
        let mut raw = Raw::connect(&address, 2);
        let ServerMessage::Train { task, parameters, .. } = raw.receive() else { panic!("not asked") };
        lie(&mut raw, Turn { round: task.round, attempt: task.attempt }, parameters);
        // Until the server ends it, or the federation is over.
        while let Ok(bytes) = raw.0.receive(1 << 20, Some(Instant::now() + Duration::from_secs(20))) {
            if let Ok(ServerMessage::Done { .. }) = ServerMessage::decode(&bytes) {
                return;
            }
        }
    });
    let options = FederationOptions { start_clients: 3, round_seconds: 90.0, ..options(1) };
    let mut federation = Federation::new(options, begin()).unwrap();
    federation.serve(&mut server).unwrap();
    for client in all {
        client.join().unwrap().unwrap();
    }
    drop(liar);
    let record = &federation.history()[0];
    assert!(record.refused.iter().all(|refused| refused.client == ClientId::numbered(2)));
    (record.refused.iter().map(|refused| refused.refusal.to_string()).collect(), record.answered.len())
}

#[test]
fn garbage_ends_a_client_and_not_the_round() {
    let (reasons, answered) = lying(|raw, _, _| raw.0.send(b"garbage").unwrap());
    assert!(reasons[0].contains("cannot be read: the other side speaks version 103"), "{reasons:?}");
    assert_eq!((reasons.len(), answered), (1, 2));

    let (reasons, answered) = lying(|raw, turn, parameters| {
        let bytes = update(turn, &parameters).encode().unwrap();
        raw.0.send(&bytes[..bytes.len() - 1]).unwrap();
    });
    assert!(reasons[0].contains("it is cut off"), "{reasons:?}");
    assert_eq!(answered, 2);

    let (reasons, answered) = lying(|raw, _, _| {
        let _ = raw.0.send(&vec![1; 8 << 20]);
    });
    assert!(reasons[0].contains("bytes at most, found 8388608"), "{reasons:?}");
    assert_eq!(answered, 2);
}

#[test]
fn answers_out_of_turn_are_refused_and_named() {
    let (reasons, answered) = lying(|raw, turn, parameters| {
        raw.send(&update(Turn { round: turn.round + 7, ..turn }, &parameters));
        raw.send(&update(Turn { attempt: 9, ..turn }, &parameters));
        raw.send(&update(turn, &parameters));
        raw.send(&update(turn, &parameters));
    });
    assert!(
        reasons[0].contains("expected an answer to round 0, attempt 0, found one to round 7"),
        "{reasons:?}"
    );
    assert!(reasons[1].contains("attempt 9"), "{reasons:?}");
    assert!(reasons[2].contains("has answered already"), "{reasons:?}");
    assert_eq!((reasons.len(), answered), (3, 3));

    let (reasons, answered) = lying(|raw, turn, _| {
        raw.send(&ClientMessage::Masked { turn, values: vec![0; 64] });
    });
    assert_eq!(reasons, ["expected an update, found a masked update"]);
    assert_eq!(answered, 2);

    let (reasons, answered) = lying(|raw, _, _| {
        raw.send(&ClientMessage::Hello { client: ClientId::numbered(0), instance: 4, preparation: NOTHING });
    });
    assert_eq!(reasons, ["expected an answer, found a greeting"]);
    assert_eq!(answered, 2);
}

#[test]
fn a_round_does_not_wait_for_a_client_that_was_cut_off_or_has_connected_anew() {
    let clock = Instant::now();
    let (reasons, answered) = lying(|raw, turn, parameters| {
        for _ in 0..8 {
            raw.send(&update(Turn { round: turn.round + 7, ..turn }, &parameters));
        }
    });
    assert_eq!((reasons.len(), answered), (8, 2));
    let (reasons, answered) = lying(|raw, _, _| *raw = Raw::connect(&raw.0.peer().to_string(), 2));
    assert_eq!((reasons.len(), answered), (0, 2));
    assert!(clock.elapsed() < Duration::from_secs(60), "the time for the round is over");
}

#[test]
fn a_flood_of_answers_ends_the_client() {
    let (reasons, answered) = lying(|raw, turn, parameters| {
        raw.send(&update(turn, &parameters));
        for _ in 0..200 {
            let bytes = update(turn, &parameters).encode().unwrap();
            if raw.0.send(&bytes).is_err() {
                return;
            }
        }
    });
    assert_eq!(reasons.len(), 8);
    assert_eq!(answered, 3);
}

#[test]
fn a_client_that_was_not_asked_is_refused() {
    let mut server = server();
    let address = server.address().to_string();
    let (_, mut honest) = client(0);
    let (begun, round_began) = std::sync::mpsc::channel();
    let (refused, was_refused) = std::sync::mpsc::channel();
    let slow = move |task: &Task, global: &Parameters| {
        was_refused.recv_timeout(A_WHILE).unwrap();
        honest.train(task, global)
    };
    let asked = start(client_options(&address, 0), Box::new(slow));
    let uninvited = std::thread::spawn(move || {
        round_began.recv_timeout(A_WHILE).unwrap();
        let mut raw = Raw::connect(&address, 5);
        raw.send(&update(Turn { round: 0, attempt: 0 }, &begin()));
        let ServerMessage::UpdateRefused { reason, .. } = raw.receive() else { panic!("not refused") };
        reason
    });
    let mut federation = Federation::new(options(1), begin()).unwrap().observer(|event| match event {
        FederationEvent::RoundStarted { .. } => _ = begun.send(()),
        FederationEvent::AnswerRefused { .. } => _ = refused.send(()),
        _ => {}
    });
    federation.serve(&mut server).unwrap();
    assert_eq!(uninvited.join().unwrap(), "the client was not asked in this round");
    let record = &federation.history()[0];
    assert_eq!(record.refused[0].client, ClientId::numbered(5));
    assert_eq!(record.asked, [ClientId::numbered(0)]);
    asked.join().unwrap().unwrap();
}

#[test]
fn a_client_that_wants_masks_gives_no_plain_update() {
    let mut server = server();
    let address = server.address().to_string();
    let masked = ClientOptions { secure_only: true, ..client_options(&address, 1) };
    let all = [start_honest(&address, 0), start(masked, client(1).1)];
    let mut federation =
        Federation::new(FederationOptions { start_clients: 2, ..options(1) }, begin()).unwrap();
    federation.serve(&mut server).unwrap();
    let dropped = &federation.history()[0].dropped[0];
    assert_eq!(dropped.client, ClientId::numbered(1));
    assert_eq!(dropped.reason, "this client gives updates with secure aggregation only");
    for client in all {
        client.join().unwrap().unwrap();
    }
}

#[test]
fn a_client_that_is_behind_does_not_train_for_rounds_that_are_over() {
    let mut server = server();
    let address = server.address().to_string();
    let rounds = Arc::new(Mutex::new(Vec::new()));
    let seen = rounds.clone();
    let (open, gate) = std::sync::mpsc::channel();
    let (_, mut honest) = client(1);
    let slow = move |task: &Task, global: &Parameters| {
        seen.lock().unwrap().push(task.round);
        if task.round == 0 {
            gate.recv_timeout(A_WHILE).unwrap();
        }
        honest.train(task, global)
    };
    let all = [start_honest(&address, 0), start(client_options(&address, 1), Box::new(slow))];
    let options = FederationOptions { start_clients: 2, round_seconds: 1.5, ..options(5) };
    let mut federation = Federation::new(options, begin()).unwrap().observer(|event| {
        if let FederationEvent::RoundStarted { round: 3, .. } = event {
            let _ = open.send(());
        }
    });
    federation.serve(&mut server).unwrap();
    for client in all {
        client.join().unwrap().unwrap();
    }
    let rounds = rounds.lock().unwrap();
    // Round 1 began and ended while it trained for round 0.
    assert!(rounds[0] == 0 && rounds[1] >= 2, "{rounds:?}");
}

#[test]
fn addresses_and_options_that_mean_nothing_are_refused_at_once() {
    let error = run_client(&client_options("no port", 0), client(0).1, |_| {}).unwrap_err();
    assert!(matches!(error, FederateError::Address { .. }), "{error}");
    let options = ClientOptions { patience_seconds: f64::NAN, ..client_options("127.0.0.1:1", 0) };
    let error = run_client(&options, client(0).1, |_| {}).unwrap_err();
    assert!(error.to_string().contains("option patience_seconds"), "{error}");
    let nobody = ClientOptions { patience_seconds: 0.2, ..client_options("127.0.0.1:1", 0) };
    let error = run_client(&nobody, client(0).1, |_| {}).unwrap_err();
    assert!(error.to_string().contains("no server answered at 127.0.0.1:1"), "{error}");
    let _ = Simulation::new([client(0)]).unwrap();
}

#[test]
fn an_observer_that_panics_ends_the_server() {
    let mut server = server();
    let address = server.address().to_string();
    let client = start(ClientOptions { patience_seconds: 0.5, ..client_options(&address, 0) }, client(0).1);
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut federation = Federation::new(options(1), begin()).unwrap().observer(|event| {
            assert!(!matches!(event, FederationEvent::RoundStarted { .. }), "an observer that panics");
        });
        let serving = std::panic::AssertUnwindSafe(|| federation.serve(&mut server));
        sender.send(std::panic::catch_unwind(serving).is_err()).unwrap();
    });
    assert!(ended.recv_timeout(Duration::from_secs(20)).unwrap(), "the panic is passed on");
    assert!(matches!(client.join().unwrap(), Err(FederateError::ServerLost { .. })));
}
